"""Convolutional network between pictures and levels of maps."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from nelbo.checks import sizes
from nelbo.distributions.maps import Map, convolution, growing, resized
from nelbo.distributions.top_down import sizes_of
from nelbo.distributions.weights import lecun
from nelbo.errors import BadValue
from nelbo.networks.activation import activation
from nelbo.networks.base import Network, Shape
from nelbo.networks.dense import dense
from nelbo.networks.output import OutputBias
from nelbo.networks.residual import block
from nelbo.networks.spatial import down, halved, reshape, up
from nelbo.registry import register

K = 2  # maps for each map of latents, where the posterior asks for something else


@register("network", "conv_maps")
@dataclass(frozen=True)
class ConvMaps(Network):
    """Convolutions whose latents are maps: the encoder has an output at each of their sizes.

    Strided convolutions halve the picture; then a residual block at the size of each level, the
    largest first, leads to the parameters of that level's latents and to the level above. The
    decoder takes up each level's maps on its way from the smallest to the picture. Where the
    posterior takes a few numbers for each latent ('residual_maps', 'diagonal') nothing is fully
    connected; else one layer is. Latents beyond those of the levels, and covariates, enter the
    decoder at all places alike.

    Source: Vahdat & Kautz 2020, NVAE: A deep hierarchical variational autoencoder, figure 2;
    Child 2021, Very deep VAEs, figure 3.

    Args:
        levels: channels, height and width of each level's maps of latents, the smallest first.
        channels: of each convolution that halves the picture, the finest first; the last are those
            of the residual blocks too.
        activation: name of an activation of `torch.nn`, in any case.

    Raises:
        ValueError: levels that are no maps, or of more latents than the model's; an example of
            fewer than two dimensions, or too small for so many halvings.

    Example:
        >>> import torch
        >>> network = ConvMaps(levels=((4, 4, 4), (2, 7, 7)), channels=(16, 32))
        >>> encoder = network.make_encoder((1, 28, 28), (2, 162))
        >>> encoder(torch.zeros(3, 1, 28, 28)).shape
        torch.Size([3, 2, 162])

    """

    levels: tuple[Map, ...] = ((4, 4, 4), (2, 8, 8))
    channels: tuple[int, ...] = (32, 64)
    activation: str = "silu"

    def __post_init__(self) -> None:
        object.__setattr__(self, "levels", growing("levels", self.levels))
        object.__setattr__(self, "channels", sizes("channels", self.channels, "(32, 64)"))
        if not self.channels:
            raise BadValue("channels", expected="a level", got="none", fix="Try (32, 64).")
        activation(self.activation)

    def make_encoder(self, data_shape: Shape, parameter_shape: Shape) -> nn.Module:
        """Return the encoder, data to the posterior's parameters."""
        grids, latent = self._grids(data_shape), self._latent
        if parameter_shape in ((latent,), (parameter_shape[0], latent)):
            k = math.prod(parameter_shape[:-1])
            return nn.Sequential(_Encoder(self, grids, k), reshape(parameter_shape))
        rest = dense((K, latent), (), parameter_shape, self.active)
        return nn.Sequential(_Encoder(self, grids, K), self.active(), rest)

    def make_decoder(self, latent: int, parameter_shape: Shape) -> nn.Module:
        """Return the decoder, latents and all beside them to the likelihood's parameters."""
        if latent < self._latent:
            raise BadValue(
                "levels of ConvMaps",
                expected=f"at most {latent} latents, as the model has",
                got=f"{self.levels}, {self._latent} in all",
                fix=f"Set latent={self._latent}, or smaller levels.",
            )
        return _Decoder(self, self._grids(parameter_shape)[::-1], latent, parameter_shape)

    def blocks(self) -> nn.ModuleList:
        """Return a new residual block for each level."""
        count = len(self.levels)
        return nn.ModuleList(block(self.channels[-1], self.active, count, 2) for _ in self.levels)

    def active(self) -> nn.Module:
        """Return a new activation."""
        return activation(self.activation)

    def _grids(self, shape: Shape) -> list[Shape]:
        return halved(shape, self.channels, type(self).__name__, dimensions=2)

    @property
    def _latent(self) -> int:
        return sum(sizes_of(self.levels))


class _Encoder(nn.Module):
    """Pictures to [batch, k, latent]: k maps for each map of latents."""

    def __init__(self, network: ConvMaps, grids: list[Shape], k: int) -> None:
        super().__init__()
        self.levels, self.k = network.levels, k
        halvings = [
            layer
            for fine, coarse in zip(grids[:-1], grids[1:], strict=True)
            for layer in (down(fine[0], coarse[0], 2), network.active())
        ]
        self.first = nn.Sequential(reshape(grids[0]), *halvings)
        self.blocks = network.blocks()
        self.outputs = nn.ModuleList(
            nn.Sequential(network.active(), convolution(grids[-1][0], k * level[0]))
            for level in self.levels
        )

    def forward(self, x: Float[Tensor, " batch *event"]) -> Float[Tensor, "batch k latent"]:
        """Go up from the largest maps to the smallest."""
        h, found = self.first(x), list[Tensor]()
        ways = zip(self.levels, self.blocks, self.outputs, strict=True)
        for level, layer, output in reversed(list(ways)):
            h = layer(resized(h, level))
            found.append(output(h).unflatten(1, (self.k, level[0])).flatten(2))
        return torch.cat(found[::-1], dim=-1)


class _Decoder(nn.Module):
    """Latents, and perhaps covariates beside them, to pictures."""

    def __init__(self, network: ConvMaps, grids: list[Shape], latent: int, shape: Shape) -> None:
        super().__init__()
        self.levels, self.grid = network.levels, grids[0]
        own = sizes_of(self.levels)
        self.sizes = (*own, latent - sum(own))
        width = grids[0][0]
        self.inputs = nn.ModuleList(convolution(level[0], width) for level in self.levels)
        rest = self.sizes[-1]
        self.beside = lecun(nn.Linear(rest, width, bias=False), rest) if rest else None
        self.blocks = network.blocks()
        doublings = [
            layer
            for small, large in zip(grids[:-1], grids[1:], strict=True)
            for layer in (network.active(), up(small, large, large is grids[-1]))
        ]
        self.last = nn.Sequential(*doublings, reshape(shape), OutputBias(shape))

    def forward(self, z: Float[Tensor, "batch latent"]) -> Float[Tensor, " batch *shape"]:
        """Go down from the smallest maps to the picture."""
        *parts, rest = z.split(self.sizes, dim=-1)
        h = self.beside(rest) if self.beside else z.new_zeros(self.grid[0])
        h = h[..., None, None]
        ways = zip(self.levels, parts, self.inputs, self.blocks, strict=True)
        for level, part, join, layer in ways:
            h = layer(resized(h, level) + join(part.unflatten(-1, level)))
        return self.last(resized(h, self.grid))
