"""Residual convolutional network, for images and series."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor, nn

from nelbo.checks import count
from nelbo.distributions.weights import lecun
from nelbo.networks.spatial import CONVOLUTIONS, Spatial
from nelbo.registry import register


# x + W2 a(W1 a(x)), an activation before each convolution
class Block(nn.Module):
    """A residual block with full pre-activation, without normalisation."""

    def __init__(self, layers: nn.Module) -> None:
        super().__init__()
        self.layers = layers

    def forward(self, x: Float[Tensor, " batch *grid"]) -> Float[Tensor, " batch *grid"]:
        """Return x plus what the layers make of it."""
        return x + self.layers(x)


def block(channels: int, activation: Callable[[], nn.Module], total: int, dimensions: int) -> Block:
    """Return a residual block of two convolutions, one of `total`: the second is 1/sqrt(total).

    Example:
        >>> import torch
        >>> block(5, nn.ReLU, total=2, dimensions=2)(torch.zeros(1, 5, 8, 8)).shape
        torch.Size([1, 5, 8, 8])

    """
    convolution, fan_in = CONVOLUTIONS[dimensions][0], channels * 3**dimensions
    first, second = (
        lecun(convolution(channels, channels, 3, padding=1), fan_in, gain)
        for gain in (1.0, total**-0.5)
    )
    return Block(nn.Sequential(activation(), first, activation(), second))


@register("network", "residual")
@dataclass(frozen=True)
class Residual(Spatial):
    """The convolutional network, with residual blocks at each level.

    Source: He, Zhang, Ren & Sun 2016, Identity mappings in deep residual networks, figure 4e,
    without its batch normalisation, which would couple examples: as Child 2021, Very deep VAEs,
    section 3.2, scales a block's last weights by 1 / sqrt(blocks) instead.

    Args:
        channels: of each level of the encoder, the finest first; each halves the size.
        hidden: sizes of the fully connected layers between the levels and the latents.
        activation: name of an activation of `torch.nn`, in any case.
        dimensions: spatial ones of an example, its last: 2 for [C, H, W], 1 for [C, L].
        blocks: of each level.

    Raises:
        ValueError: an example of fewer dimensions, or too small for so many levels.

    Example:
        >>> import torch
        >>> encoder = Residual(channels=(8, 16)).make_encoder((1, 28, 28), (2, 20))
        >>> encoder(torch.zeros(3, 1, 28, 28)).shape
        torch.Size([3, 2, 20])

    """

    blocks: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        count("blocks", self.blocks, least=1, usual=1)

    def level(self, channels: int) -> nn.Module:
        """Return the blocks, and the activation of what they add up to."""
        total = self.blocks * len(self.channels)
        blocks = [
            block(channels, self._activation, total, self.dimensions) for _ in range(self.blocks)
        ]
        return nn.Sequential(*blocks, self._activation())
