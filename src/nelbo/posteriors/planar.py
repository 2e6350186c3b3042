"""Planar flow posterior."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from nelbo.distributions.bijection import Bijection, Mapped
from nelbo.posteriors.base import Posterior
from nelbo.posteriors.layered import Layered
from nelbo.registry import register

FLATTEST = 1e-3  # smallest slope of a layer: single precision must still find its way back
HALVINGS = 60  # from the widest bracket to the last bit of double precision
TINY = 1e-12  # beside |w|^2


# f(z) = z + u tanh(w.z + b)                      Rezende & Mohamed 2015, equation 10
@register("posterior", "planar")
class Planar(Layered, Posterior):
    """A diagonal Gaussian through layers that each push along one direction.

    The encoder gives u, w and b of every layer for every example, as in the paper. Draws and their
    densities cost one pass; the density elsewhere is found by bisection, one number a layer. All
    outputs 0 is N(0, I).

    Source: Rezende & Mohamed 2015, Variational Inference with Normalizing Flows, section 4.1.

    Args:
        layers: their number, at least 1.

    Raises:
        ValueError: fewer than one layer.

    Example:
        >>> posterior = Planar(layers=4)
        >>> posterior.setup(latent=20)
        >>> q = posterior(torch.zeros(3, *posterior.parameter_shape(20)))
        >>> q.rsample().shape
        torch.Size([3, 20])

    """

    def sizes(self, latent: int) -> tuple[int, ...]:
        """Return those of u, w and b."""
        return (latent, latent, 1)

    def layer(self, *parts: Tensor) -> Bijection:
        """Return the plane."""
        return _Plane(*parts)


class _Plane(Bijection):
    """One layer, with u moved along w until s = 1 + w.u is positive: then it can be inverted."""

    # u' = u + [m(w.u) - w.u] w / |w|^2,   m: R -> (-1, inf)             ibid., appendix A.1
    # Any such m will do. The paper's has m(0) = -0.3, and u' no limit for w to 0; here m(0) = 0.
    def __init__(self, u: Tensor, w: Tensor, b: Tensor) -> None:
        dot, square = (w * u).sum(-1, keepdim=True), w.square().sum(-1, keepdim=True)
        wanted = FLATTEST + F.softplus(dot + math.log(math.expm1(1 - FLATTEST)))
        kept = square / (square + TINY)
        self.w, self.b = w, b[..., 0]
        self.u = u + (wanted - 1 - dot) * w / (square + TINY)
        self.s = (kept * wanted + (1 - kept) * (1 + dot))[..., 0]

    def forward(self, u: Tensor) -> Mapped:
        """Return u + u' tanh(w.u + b)."""
        bent = torch.tanh((u * self.w).sum(-1) + self.b)
        return u + self.u * bent[..., None], self._log_slope(bent)

    # with t = w.z + b:   w.f(z) + b = t + (s - 1) tanh t, which rises with t
    def inverse(self, z: Tensor) -> Mapped:
        """Return the point that is moved to z."""
        bent = torch.tanh(_solve((z * self.w).sum(-1) + self.b, self.s))
        return z - self.u * bent[..., None], self._log_slope(bent)

    # det df/dz = 1 + w.u' tanh'(t) = tanh^2 t + s (1 - tanh^2 t)                ibid., equation 11
    def _log_slope(self, bent: Tensor) -> Tensor:
        return torch.log(bent.square() + self.s * (1 - bent.square()))


def _solve(c: Tensor, s: Tensor) -> Tensor:
    """Return t of t + (s - 1) tanh t = c, with its gradient."""
    goal, excess = c.detach(), (s - 1).detach()
    low, high = goal - excess.abs(), goal + excess.abs()
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        above = middle + excess * torch.tanh(middle) > goal
        low, high = torch.where(above, low, middle), torch.where(above, middle, high)
    t = 0.5 * (low + high)
    bent = torch.tanh(t)
    slope = bent.square() + (excess + 1) * (1 - bent.square())
    # Newton's last step leaves the value alone and has the derivative of the implicit function
    return t - (t + (s - 1) * bent - c) / slope
