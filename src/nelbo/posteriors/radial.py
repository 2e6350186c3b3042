"""Radial flow posterior."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from nelbo.distributions.bijection import Bijection, Mapped
from nelbo.posteriors.base import Posterior
from nelbo.posteriors.layered import Layered
from nelbo.registry import register

SMALLEST = 1e-3  # of alpha and of alpha + beta


# f(z) = z + beta (z - z0) / (alpha + |z - z0|)          Rezende & Mohamed 2015, equation 14
@register("posterior", "radial")
class Radial(Layered, Posterior):
    """A diagonal Gaussian through layers that each push away from one point, or towards it.

    The encoder gives z0, alpha > 0 and beta > -alpha of every layer for every example, as in the
    paper. Both directions are closed. All outputs 0 is N(0, I).

    Source: Rezende & Mohamed 2015, Variational Inference with Normalizing Flows, section 4.1.

    Args:
        layers: how many points push or pull, one after the other, at least 1.

    Raises:
        ValueError: fewer than one layer.

    Example:
        >>> Radial(layers=4).parameter_shape(latent=20)
        (128,)

    """

    def sizes(self, latent: int) -> tuple[int, ...]:
        """Return those of z0, alpha, and alpha + beta, before they are made positive."""
        return (latent, 1, 1)

    def layer(self, *parts: Tensor) -> Bijection:
        """Return the sphere."""
        return _Sphere(*parts)


# alpha = m(a), beta = -alpha + m(b), m positive                    ibid., appendix A.2
class _Sphere(Bijection):
    """One layer; S = alpha + beta is what is positive, and what the formulas hold."""

    def __init__(self, centre: Tensor, a: Tensor, b: Tensor) -> None:
        self.centre = centre
        self.alpha = SMALLEST + F.softplus(a)[..., 0]
        self.total = SMALLEST + F.softplus(b)[..., 0]

    # |f(z) - z0| = r (r + S) / (r + alpha)
    def forward(self, u: Tensor) -> Mapped:
        """Return u, moved along u - z0."""
        away = u - self.centre
        r = torch.linalg.vector_norm(away, dim=-1)
        stretch = (r + self.total) / (r + self.alpha)
        return self.centre + stretch[..., None] * away, self._log_det(r, u.shape[-1])

    # R = |z - z0|:   r^2 + (S - R) r - R alpha = 0
    def inverse(self, z: Tensor) -> Mapped:
        """Return the point that is moved to z."""
        away = z - self.centre
        far = torch.linalg.vector_norm(away, dim=-1)
        half = 0.5 * (far - self.total)
        reach = half.abs() + torch.sqrt(half.square() + far * self.alpha)
        # the same root in two forms, neither of which subtracts what is nearly equal
        r = torch.where(half > 0, reach, far * self.alpha / reach.clamp_min(1e-30))
        stretch = (r + self.alpha) / (r + self.total)
        return self.centre + stretch[..., None] * away, self._log_det(r, z.shape[-1])

    # det df/dz = [(r + S) / (r + alpha)]^(K-1) (r^2 + 2 r alpha + S alpha) / (r + alpha)^2
    def _log_det(self, r: Tensor, latent: int) -> Tensor:
        around = torch.log(r + self.total) - torch.log(r + self.alpha)
        slope = r * (r + 2 * self.alpha) + self.total * self.alpha
        return (latent - 1) * around + torch.log(slope) - 2 * torch.log(r + self.alpha)
