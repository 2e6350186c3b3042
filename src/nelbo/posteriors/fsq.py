"""Finite scalar quantisation."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor

from nelbo.checks import whole
from nelbo.distributions.codes import CODES, Codes
from nelbo.errors import BadValue
from nelbo.posteriors.base import Posterior
from nelbo.registry import register

MARGIN = 1e-3  # the paper's: rounding never reaches a level beyond the last


# f(u) = h tanh(u + tan(o / h)) - o,   h = (1 - 1e-3)(L - 1) / 2,   o = 1/2 where L is even, else 0
# z = round(f(u)) / floor(L / 2)
@register("posterior", "fsq")
class FSQ(Posterior):
    """Every number of the encoder's output is rounded to one of a few levels: no codebook.

    The latents are vectors of `len(levels)` numbers in [-1, 1], each vector one of
    `prod(levels)` codes. Nothing has to follow the encoder, so that the objective 'elbo' is right
    as it is. Draws have the gradient of what is rounded.

    Source: Mentzer et al. 2023, Finite scalar quantization: VQ-VAE made simple, section 3.1 and
    appendix A.1.

    Args:
        levels: of each number of a vector, at least 2; `latent` is a multiple of how many.

    Raises:
        ValueError: no levels, fewer than 2, or `latent` is no multiple of how many.

    Example:
        >>> posterior = FSQ(levels=(8, 5, 5, 5))
        >>> posterior.codes
        1000
        >>> posterior.setup(latent=8)
        >>> posterior(torch.randn(3, 8)).indices.shape
        torch.Size([3, 2])

    """

    base_measure = CODES
    books = 1

    reach: Tensor
    offset: Tensor
    base: Tensor
    sizes: Tensor

    def __init__(self, levels: tuple[int, ...] = (8, 5, 5, 5)) -> None:
        super().__init__()
        if not levels or not all(isinstance(size, int) and size >= 2 for size in levels):
            expected, fix = "integers of at least 2", "Try (8, 5, 5, 5)."
            raise BadValue("levels", expected=expected, got=levels, fix=fix)
        self.levels, self.codes, self.groups = tuple(levels), math.prod(levels), 1
        sizes = torch.tensor(self.levels)
        self.register_buffer("sizes", sizes, persistent=False)
        self.register_buffer("base", torch.cumprod(sizes, 0) // sizes, persistent=False)
        self.register_buffer("reach", (sizes - 1) / 2, persistent=False)
        self.register_buffer("offset", (1 - sizes % 2) / 2, persistent=False)

    def setup(self, latent: int) -> None:
        """Split the latents into vectors."""
        self.groups = whole("how many levels are given", latent, len(self.levels))

    def parameter_shape(self, latent: int) -> tuple[int, ...]:
        """Return (latent,): what is rounded."""
        return (latent,)

    def forward(self, parameters: Float[Tensor, "batch latent"]) -> Codes:
        """Return q(z|x), the levels nearest to the bounded output of the encoder."""
        encoded = self._bound(self._split(parameters)) / self._width
        indices = self._indices(encoded)
        return Codes(encoded.flatten(-2), self.vectors(indices), indices, self)

    def indices(self, z: Float[Tensor, "*shape latent"]) -> Int[Tensor, "*shape groups"]:
        """Return the codes nearest to the latents."""
        return self._indices(self._split(z))

    def vectors(self, indices: Int[Tensor, "*shape groups"]) -> Float[Tensor, "*shape latent"]:
        """Return the levels that codes stand for, side by side."""
        digits = indices[..., None] // self.base % self.sizes
        return ((digits - self._width).to(self.reach) / self._width).flatten(-2)

    @property
    def _width(self) -> Tensor:
        return self.sizes // 2

    def _bound(self, u: Tensor) -> Tensor:
        reach = self.reach * (1 - MARGIN)
        return reach * torch.tanh(u + torch.tan(self.offset / reach)) - self.offset

    def _indices(self, z: Tensor) -> Tensor:
        digits = torch.round(z.detach() * self._width).long() + self._width
        return (digits.clamp_min(0).minimum(self.sizes - 1) * self.base).sum(-1)

    def _split(self, z: Tensor) -> Tensor:
        return z.unflatten(-1, (-1, len(self.levels)))
