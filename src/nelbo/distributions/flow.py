"""`Flow`: Gaussian noise through a bijection."""

from __future__ import annotations

from functools import cached_property
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Distribution, constraints
from torch.types import _size

from nelbo.distributions.bijection import Bijection
from nelbo.formulas import LOG_2PI

POINTS = 256  # of the estimated moments


# z = f(u), u ~ N(0, I):   log q(z) = log N(u; 0, I) - log |det df/du|
class Flow(Distribution):
    """The distribution of f(u) for standard Gaussian u.

    It has no closed mean or variance: those stated are averages over a fixed set of points, the
    same at each call and differentiable, and `moments_are_estimated` says so. The noise of the
    latest draw is kept, so that the density at that very draw costs no inversion; at any other
    tensor, equal or not, the bijection is inverted.

    Source: Rezende & Mohamed 2015, Variational Inference with Normalizing Flows, equation 5.

    Args:
        bijection: f, of parameters [*batch_shape, latent].
        points: of `standard_points`, at which the moments are averaged, [points, latent].
        batch_shape: of the distribution.
    """

    arg_constraints: ClassVar[dict[str, constraints.Constraint]] = {}  # pyright: ignore
    support = constraints.real_vector  # pyright: ignore
    has_rsample = True
    moments_are_estimated = True

    def __init__(
        self,
        bijection: Bijection,
        points: Float[Tensor, "points latent"],
        batch_shape: torch.Size = torch.Size(),  # noqa: B008 - it cannot change
    ) -> None:
        super().__init__(batch_shape, points.shape[1:], validate_args=False)
        self.bijection, self.points = bijection, points
        self._drawn: tuple[Tensor, Tensor, Tensor] | None = None

    def rsample(self, sample_shape: _size = torch.Size()) -> Tensor:  # noqa: B008
        """Return f of fresh noise, [*sample_shape, *batch_shape, latent]."""
        shape = self._extended_shape(torch.Size(sample_shape))
        u = torch.randn(shape, dtype=self.points.dtype, device=self.points.device)
        z, log_det = self.bijection.forward(u)
        self._drawn = z, u, log_det
        return z

    def log_prob(self, value: Tensor) -> Tensor:
        """Return log q(z), in nats per example."""
        if self._drawn is not None and value is self._drawn[0]:
            _, u, log_det = self._drawn
        else:
            u, log_det = self.bijection.inverse(value)
        return -0.5 * (u.square() + LOG_2PI).sum(-1) - log_det

    @property
    def mean(self) -> Tensor:
        """The mean, estimated."""
        return self._images.mean(0)

    @property
    def variance(self) -> Tensor:
        """The variance, estimated."""
        return self._images.var(0, correction=0)

    @cached_property
    def _images(self) -> Tensor:
        count, latent = self.points.shape
        u = self.points.view(count, *(1 for _ in self.batch_shape), latent)
        return self.bijection.forward(u.expand(count, *self.batch_shape, latent))[0]


def standard_points(latent: int, count: int = POINTS) -> Float[Tensor, "points latent"]:
    """Return points spread like N(0, I): scrambled Sobol points through its inverse distribution.

    Each comes with its negative, and their variance is 1 in each latent, so that mean and variance
    of what is linear in them are exact.

    Example:
        >>> points = standard_points(3)
        >>> points.shape, points.mean(0).abs().max().item() < 1e-6
        (torch.Size([256, 3]), True)

    """
    sobol = torch.quasirandom.SobolEngine(latent, scramble=True, seed=0)
    uniform = sobol.draw(count // 2, dtype=torch.float64).clamp(1e-9, 1 - 1e-9)
    half = torch.special.ndtri(uniform)
    half = half / half.square().mean(0).sqrt()
    return torch.cat((half, -half)).to(torch.get_default_dtype())
