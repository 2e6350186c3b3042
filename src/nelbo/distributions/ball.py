"""The Poincare ball: Gaussians wrapped onto it, and its own Gaussian at the origin."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.types import _size

from nelbo.checks import positive
from nelbo.distributions.base import Latents
from nelbo.distributions.directions import unit
from nelbo.distributions.fixed_noise import OverFixedNoise
from nelbo.distributions.quantile import integral, quantile
from nelbo.distributions.sphere import log_area
from nelbo.formulas import LOG_2PI

WINDOW = 12  # deviations to either side of the mode


def poincare(curvature: float) -> str:
    """Return the base measure of densities on the ball.

    Example:
        >>> poincare(1.0)
        'density on the Poincare ball of curvature -1'

    """
    return f"density on the Poincare ball of curvature -{curvature:g}"


# z = exp_mu(v / lambda_mu),  v ~ N(0, diag sigma^2),  lambda_mu = 2 / (1 - c |mu|^2)
# log q(z) = log N(v; 0, diag sigma^2) + (K - 1) log(s / sinh s),  s = sqrt(c) |v|, |v| = d(mu, z)
class WrappedNormal(OverFixedNoise):
    """A Gaussian in the tangent space at a point of the Poincare ball, wrapped onto the ball.

    The density is against the ball's own (Riemannian) volume.

    Source: Mathieu, Le Lan, Maddison, Tomioka & Teh 2019, Continuous hierarchical representations
    with Poincare variational auto-encoders, equation 5; Nagano, Yamaguchi, Fujita & Koyama 2019,
    A wrapped normal distribution on hyperbolic space for gradient-based learning.

    Args:
        location: mu, a point of the ball, [*batch, K].
        scale: sigma, of the distance from mu, along each axis, [*batch, K].
        curvature: c, positive: the ball has curvature -c and the radius 1/sqrt(c).

    Example:
        >>> q = WrappedNormal(torch.zeros(1, 2), torch.ones(1, 2), 1.0)
        >>> bool((q.sample(torch.Size((100,))).norm(dim=-1) < 1).all())
        True

    """

    def __init__(
        self,
        location: Float[Tensor, "*batch k"],
        scale: Float[Tensor, "*batch k"],
        curvature: float,
    ) -> None:
        self.location, self.scale, self.curvature = location, scale, curvature
        super().__init__(location.shape[:-1], location.shape[-1:], validate_args=False)

    def log_prob(self, value: Float[Tensor, "*shape k"]) -> Tensor:
        """Return the log-density against the ball's volume."""
        v = tangent(self.location, value, self.curvature)
        normal = -0.5 * (LOG_2PI + (v / self.scale) ** 2) - torch.log(self.scale)
        square = self.curvature * (v**2).sum(-1)
        return normal.sum(-1) - (value.shape[-1] - 1) * _log_sinhc(square)

    def rsample(self, sample_shape: _size = torch.Size()) -> Tensor:  # noqa: B008
        """Return draws, [*samples, *batch, K]."""
        shape = torch.Size(sample_shape) + self.location.shape
        noise = torch.randn(shape, dtype=self.scale.dtype, device=self.scale.device)
        return self._wrapped(noise)

    def _wrapped(self, noise: Tensor) -> Tensor:
        step = from_origin(self.scale * noise, self.curvature)
        return moved(self.location.expand_as(step), step, self.curvature)

    @property
    def centre(self) -> Tensor:
        """Return the location: what stands for the distribution where one point has to."""
        return self.location

    def from_uniform(self, u: Tensor) -> Tensor:
        """Return draws of Gaussian noise; the moments over them are Euclidean ones."""
        return self._wrapped(torch.special.ndtri(u).to(self.location))


# log p(z) = -d(0, z)^2 / (2 sigma^2) - log Z,
# Z = area(S^(K-1)) int_0^inf exp(-r^2 / (2 sigma^2)) (sinh(sqrt(c) r) / sqrt(c))^(K-1) dr
class RiemannianNormal(Latents):
    """The Gaussian of the ball at the origin, of greatest entropy for its mean squared distance.

    Source: Mathieu et al. 2019, equation 4; Said, Bombrun & Berthoumieu 2014.

    Args:
        like: any vector of K entries: its dtype and device are those of the draws.
        scale: sigma.
        curvature: c, positive.

    Example:
        >>> p = RiemannianNormal(torch.zeros(2), 1.0, 1.0)
        >>> p.sample(torch.Size((5,))).shape
        torch.Size([5, 2])

    """

    moments_are_estimated = False

    def __init__(self, like: Float[Tensor, " k"], scale: float, curvature: float) -> None:
        self.like, self.scale, self.curvature = like, scale, curvature
        super().__init__(event_shape=like.shape, validate_args=False)

    def log_prob(self, value: Float[Tensor, "*shape k"]) -> Tensor:
        """Return the log-density against the ball's volume."""
        v = tangent(torch.zeros_like(value), value, self.curvature)
        log_norm = torch.log(self._integral(lambda r: torch.zeros_like(r))) + self._top
        area = log_area(len(self.like))
        return -0.5 * (v**2).sum(-1) / self.scale**2 - area - log_norm

    def rsample(self, sample_shape: _size = torch.Size()) -> Tensor:  # noqa: B008
        """Return draws: a direction, and a distance by its quantile function."""
        noise = torch.randn_like(self.like.expand(*sample_shape, -1))
        u = torch.rand_like(noise[..., 0])
        distance = quantile(self._log_distance, *self._window, u)
        return from_origin(distance[..., None] * unit(noise), self.curvature)

    @property
    def mean(self) -> Tensor:
        """Return 0."""
        return torch.zeros_like(self.like)

    # |z|^2 = tanh(sqrt(c) r / 2)^2 / c
    @property
    def variance(self) -> Tensor:
        """Return the Euclidean variance of each coordinate: all are alike."""
        root = math.sqrt(self.curvature)
        square = self._integral(lambda r: 2.0 * torch.log(torch.tanh(0.5 * root * r) / root))
        one = self._integral(lambda r: torch.zeros_like(r))
        return (square / one / len(self.like)).expand_as(self.like)

    def _integral(self, log_factor: Callable[[Tensor], Tensor]) -> Tensor:
        lower, upper = self._window
        return integral(lambda r: self._log_distance(r) + log_factor(r), lower, upper, 96)

    def _log_distance(self, r: Tensor) -> Tensor:
        """Return the log-density of the distance, up to a constant: 0 at the mode."""
        return self._unscaled(r) - self._top

    def _unscaled(self, r: Tensor) -> Tensor:
        k, root = len(self.like) - 1, math.sqrt(self.curvature)
        tiny = torch.finfo(r.dtype).tiny
        volume = torch.log(r.clamp_min(tiny)) + _log_sinhc((root * r) ** 2)
        return k * volume - 0.5 * (r / self.scale) ** 2

    @property
    def _top(self) -> Tensor:
        return self._unscaled(self.like.new_tensor(self._mode))

    # r / sigma^2 = (K - 1) sqrt(c) coth(sqrt(c) r) at the mode; the curvature is never below
    # 1 / sigma^2
    @property
    def _mode(self) -> float:
        k, root = len(self.like) - 1, math.sqrt(self.curvature)
        if k == 0:
            return 0.0
        low, high = 0.0, self.scale * (math.sqrt(k) + self.scale * k * root)  # coth x <= 1 + 1/x
        for _ in range(60):
            middle = 0.5 * (low + high)
            rises = k * root / math.tanh(root * middle) > middle / self.scale**2
            low, high = (middle, high) if rises else (low, middle)
        return high

    @property
    def _window(self) -> tuple[Tensor, Tensor]:
        reach = WINDOW * self.scale
        ends = max(0.0, self._mode - reach), self._mode + reach
        return self.like.new_tensor(ends[0]), self.like.new_tensor(ends[1])


# exp_0(v / 2) = tanh(sqrt(c) |v| / 2) / sqrt(c) v / |v|
def from_origin(v: Float[Tensor, "*shape k"], curvature: float) -> Float[Tensor, "*shape k"]:
    """Return the point of the ball at distance |v| of the origin, in the direction of v.

    It is kept off the boundary by the root of the rounding error, in units of the radius.

    Example:
        >>> from_origin(torch.tensor([2.0]), 1.0)
        tensor([0.7616])

    """
    half = 0.25 * curvature * (v**2).sum(-1, keepdim=True)  # (sqrt(c) |v| / 2)^2
    small = half < 1e-4
    root = torch.where(small, torch.ones_like(half), half).sqrt()
    most = 1.0 - torch.finfo(v.dtype).eps ** 0.5
    far = torch.tanh(root).clamp_max(most) / root
    return 0.5 * v * torch.where(small, 1.0 - half / 3.0 + 2.0 * half**2 / 15.0, far)


# mu + z = [(1 + 2c mu'z + c|z|^2) mu + (1 - c|mu|^2) z] / (1 + 2c mu'z + c^2 |mu|^2 |z|^2)
def moved(
    mu: Float[Tensor, "*shape k"], z: Float[Tensor, "*shape k"], curvature: float
) -> Float[Tensor, "*shape k"]:
    """Return the Moebius sum of two points of the ball, kept off its boundary.

    Example:
        >>> moved(torch.tensor([0.5]), torch.tensor([0.5]), 1.0)  # (a + b) / (1 + a b)
        tensor([0.8000])

    """
    inner = 1.0 + 2.0 * curvature * (mu * z).sum(-1, keepdim=True)
    a, b = (curvature * (v**2).sum(-1, keepdim=True) for v in (mu, z))
    return _inside(((inner + b) * mu + (1.0 - a) * z) / (inner + a * b), curvature)


def _inside(z: Tensor, curvature: float) -> Tensor:
    most = (1.0 - torch.finfo(z.dtype).eps ** 0.5) ** 2 / curvature
    square = (z**2).sum(-1, keepdim=True)
    beyond = square > most
    return torch.where(beyond, z * (most / torch.where(beyond, square, 1.0)).sqrt(), z)


# lambda_mu log_mu(z) = 2 n asinhc(x) / (a b sqrt(1 + x^2)),  d = z - mu,  x^2 = c |d|^2 / (a b),
# a = 1 - c |mu|^2,  b = 1 - c |z|^2,  n = a d - c |d|^2 mu: nothing cancels where z is close to mu
def tangent(
    mu: Float[Tensor, "*#shape k"], z: Float[Tensor, "*#shape k"], curvature: float
) -> Float[Tensor, "*shape k"]:
    """Return the vector at mu that leads to z, as long as the distance of the two.

    Example:
        >>> tangent(torch.tensor([0.0]), torch.tensor([0.7616]), 1.0).round(decimals=3)
        tensor([2.])

    """
    difference = z - mu
    square = curvature * (difference**2).sum(-1, keepdim=True)
    a, b = (1.0 - curvature * (v**2).sum(-1, keepdim=True) for v in (mu, z))
    ratio = square / (a * b)
    small = ratio < 1e-4
    root = torch.where(small, torch.ones_like(ratio), ratio).sqrt()
    series = 1.0 - ratio / 6.0 + 3.0 * ratio**2 / 40.0
    asinhc = torch.where(small, series, torch.asinh(root) / root)
    return 2.0 * (a * difference - square * mu) * asinhc / (a * b * torch.sqrt(1.0 + ratio))


def _log_sinhc(square: Tensor) -> Tensor:
    """Return log(sinh(s)/s) of s^2."""
    small = square < 1e-2
    s = torch.where(small, torch.ones_like(square), square).sqrt()
    far = s - torch.log(2.0 * s) + torch.log1p(-torch.exp(-2.0 * s))
    near = square * (1 / 6 - square * (1 / 180 - square * (1 / 2835 - square / 37800)))
    return torch.where(small, near, far)


def require_curvature(curvature: float) -> float:
    """Return a curvature; ValueError where it is not positive."""
    fix = "Try 1: the ball then has the radius 1 and the curvature -1."
    return positive("curvature", curvature, fix)
