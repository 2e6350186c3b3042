"""What convolutional networks share: levels of half the size each, there and back."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from itertools import pairwise

from torch import nn

from nelbo.checks import sizes
from nelbo.distributions.weights import SMALL, lecun
from nelbo.errors import BadValue
from nelbo.networks.activation import activation
from nelbo.networks.base import Network, Shape
from nelbo.networks.mlp import ANY_SHAPE, MLP
from nelbo.networks.output import OutputBias

# By the number of spatial dimensions: the convolution and its transpose.
CONVOLUTIONS = {
    1: (nn.Conv1d, nn.ConvTranspose1d),
    2: (nn.Conv2d, nn.ConvTranspose2d),
    3: (nn.Conv3d, nn.ConvTranspose3d),
}
STRIDE = 2
KERNEL = 4  # a multiple of the stride, so that the transpose paints every output equally often


@dataclass(frozen=True)
class Spatial(Network):
    """Convolutions that halve each size, fully connected layers, and the same back again.

    A size need not be even: the transpose adds the row that was left over.

    Args:
        channels: of each level of the encoder, the finest first; the decoder goes back.
        hidden: sizes of the fully connected layers between the levels and the latents.
        activation: name of an activation of `torch.nn`, in any case.
        dimensions: how many dimensions of an example are spatial, the last ones; those before them
            are channels. 2 for images of [C, H, W], 1 for series of [C, L].
    """

    channels: tuple[int, ...] = (32, 64)
    hidden: tuple[int, ...] = (256,)
    activation: str = "silu"
    dimensions: int = 2

    def __post_init__(self) -> None:
        object.__setattr__(self, "channels", sizes("channels", self.channels, "(32, 64)"))
        object.__setattr__(self, "hidden", self._between.hidden)
        if not self.channels:
            raise BadValue("channels", expected="a level", got="none", fix="Try (32, 64).")
        if self.dimensions not in CONVOLUTIONS:
            raise BadValue(
                "dimensions", expected="1, 2 or 3", got=self.dimensions, fix="Images have 2."
            )

    @abstractmethod
    def level(self, channels: int) -> nn.Module:
        """Return what stands between two changes of size."""

    def make_encoder(self, data_shape: Shape, parameter_shape: Shape) -> nn.Module:
        """Return the encoder, data to the posterior's parameters."""
        grid = self._grids(data_shape)
        wide = (grid[0][0], *self.channels)
        levels = [
            layer
            for fan_in, fan_out in pairwise(wide)
            for layer in (down(fan_in, fan_out, self.dimensions), self.level(fan_out))
        ]
        between = self._between.make_encoder(grid[-1], parameter_shape)
        return nn.Sequential(reshape(grid[0]), *levels, between)

    def make_decoder(self, latent: int, parameter_shape: Shape) -> nn.Module:
        """Return the decoder, latents to the likelihood's parameters."""
        grids = self._grids(parameter_shape)[::-1]
        between = self._between.make_decoder(latent, grids[0])
        levels = [
            layer
            for small, large in pairwise(grids)
            for layer in (self.level(small[0]), up(small, large, large is grids[-1]))
        ]
        return nn.Sequential(
            between, *levels, reshape(parameter_shape), OutputBias(parameter_shape)
        )

    @property
    def _between(self) -> MLP:
        return MLP(self.hidden, self.activation)

    def _grids(self, shape: Shape) -> list[Shape]:
        return halved(shape, self.channels, type(self).__name__, self.dimensions)

    def _activation(self) -> nn.Module:
        return activation(self.activation)


def halved(shape: Shape, channels: tuple[int, ...], network: str, dimensions: int) -> list[Shape]:
    """Return [channels, *sizes] of an example, and of each of the levels that halve its sizes.

    Args:
        shape: of the example; what stands before the spatial dimensions are channels.
        channels: of each level.
        network: its name, for messages.
        dimensions: spatial ones, the last.

    Raises:
        ValueError: an example of fewer dimensions, or too small for so many levels.

    Example:
        >>> halved((3, 28, 21), (32, 64), "Conv", dimensions=2)
        [(3, 28, 21), (32, 14, 10), (64, 7, 5)]

    """
    if len(shape) < dimensions:
        raise BadValue(
            f"data_shape for {network}",
            expected=f"at least {dimensions} dimensions, such as [C, H, W] of images",
            got=list(shape),
            fix=f"Reshape the data. {ANY_SHAPE}",
        )
    extents = shape[-dimensions:]
    most = min(extents).bit_length() - 1
    if len(channels) > most:
        raise BadValue(
            f"channels for {network}",
            expected=f"at most {most} for sizes that are halved from {list(shape)}",
            got=channels,
            fix=f"Try {channels[:most]}." if most else ANY_SHAPE,
        )
    wide = (math.prod(shape[:-dimensions]), *channels)
    return [
        (channels, *(extent // STRIDE**level for extent in extents))
        for level, channels in enumerate(wide)
    ]


def down(fan_in: int, fan_out: int, dimensions: int) -> nn.Module:
    """Return a convolution that halves sizes."""
    convolution = CONVOLUTIONS[dimensions][0](fan_in, fan_out, KERNEL, STRIDE, padding=1)
    return lecun(convolution, fan_in * KERNEL**dimensions)


def up(small: Shape, large: Shape, last: bool) -> nn.Module:
    """Return a transposed convolution between two shapes; the last one is small, without bias."""
    dimensions = len(small) - 1
    rest = tuple(b - STRIDE * a for a, b in zip(small[1:], large[1:], strict=True))
    transpose = CONVOLUTIONS[dimensions][1](
        small[0], large[0], KERNEL, STRIDE, padding=1, output_padding=rest, bias=not last
    )
    fan_in = small[0] * (KERNEL // STRIDE) ** dimensions
    return lecun(transpose, fan_in, SMALL if last else 1.0)


def reshape(shape: Shape) -> nn.Module:
    """Return what brings [batch, ...] to [batch, *shape]."""
    return nn.Sequential(nn.Flatten(), nn.Unflatten(1, shape))
