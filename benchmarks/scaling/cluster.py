"""What is simulated: a cluster, how its processes train, and models as rows of layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MB, GB, TERA = 1e6, 1e9, 1e12


@dataclass(frozen=True)
class Machine:
    """A cluster. Rates are per GPU and direction; what is no datasheet's is an assumption.

    H100 SXM5, NVIDIA's datasheet: 989 TFLOP/s dense bf16, HBM3 at 3.35 TB/s, 80 GB, NVLink 900
    GB/s in both directions together. DGX H100, its user guide: 8 GPUs a node and for each of them
    a 400 Gb/s InfiniBand port.
    """

    flops: float = 989 * TERA
    memory: float = 3.35e12
    nvlink: float = 450 * GB
    infiniband: float = 50 * GB
    node: int = 8
    # assumptions
    reached_flops: float = 0.4  # of the peak, in large matrix products
    reached_memory: float = 0.8
    reached_links: float = 0.8
    launch: float = 5e-6  # seconds of a layer's kernels that no size undercuts, forward
    near: float = 2e-6  # seconds of a hop over NVLink
    far: float = 6e-6  # and over InfiniBand

    def bandwidth(self, n: int) -> float:
        """Bytes a second around a ring: beyond a node its 8 rails carry an eighth each."""
        between = self.nvlink if n <= self.node else min(self.nvlink, self.infiniband * self.node)
        return between * self.reached_links

    def hop(self, n: int) -> float:
        """Seconds of a mean hop of a ring: one of a node's 8 leaves it."""
        return self.near if n <= self.node else self.near + (self.far - self.near) / self.node


@dataclass(frozen=True)
class Plan:
    """How the processes train. Bytes are a parameter's."""

    bucket: float = 25 * MB  # DDP's own; its first has 1 MB
    overlap: bool = True
    tree: bool = False  # latency grows as log n instead of n
    gradient: float = 4.0  # bytes a gradient has on the wire
    shard: str = "none"  # or "full": over all GPUs, or "node": within a node
    times: float = 1.0  # the batch of a GPU


@dataclass(frozen=True)
class Layer:
    """Weights, each used `uses` times an example; what is read and written of activations."""

    parameters: float
    uses: float
    activations: float  # bytes an example


@dataclass(frozen=True)
class Model:
    """A VAE as a row of layers, encoder and decoder alike."""

    name: str
    layers: tuple[Layer, ...]
    batch: int  # a GPU, where it stays the same
    whole: int  # of all GPUs, where that stays the same

    @property
    def parameters(self) -> float:
        return sum(layer.parameters for layer in self.layers)


def mlp(sizes: Sequence[int]) -> tuple[Layer, ...]:
    """Layers of a fully connected network: each weight is used once an example."""
    pairs = zip(sizes[:-1], sizes[1:], strict=True)
    return tuple(Layer(a * b + b, 1.0, 2.0 * (a + b)) for a, b in pairs)


def residual(depth: int, width: int, places: int) -> tuple[Layer, ...]:
    """Layers of a residual network: each weight is used at every place of a feature map."""
    return (Layer(9.0 * width * width, places, 3 * 2.0 * width * places),) * depth


MODELS = (
    Model("MLP 500-500, MNIST: 1.3 M", mlp((784, 500, 500, 40, 20, 500, 500, 784)), 128, 1024),
    Model("residual, 64 x 64: 113 M", residual(48, 512, 16 * 16), 32, 2048),
    Model("residual, 256 x 256: 2.1 B", residual(100, 1536, 32 * 32), 8, 1024),
)
