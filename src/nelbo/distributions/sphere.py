"""The unit sphere: the von Mises-Fisher distribution and the uniform one."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import register_kl
from torch.types import _size

from nelbo.distributions import directions
from nelbo.distributions.base import Latents
from nelbo.distributions.bessel import log_bessel, short_of_one
from nelbo.distributions.quantile import nodes, quantile
from nelbo.errors import BadValue
from nelbo.formulas import gradient_only

SPHERE = "density on the unit sphere"

WINDOW = 12  # deviations to either side of the mode, beyond which there are e^-36 of the mass


# q(z) = C(kappa) exp(kappa mu'z),  z on S^(K-1);  E[z] = A mu,  A = I_(K/2)(kappa)/I_(K/2-1)(kappa)
class VonMisesFisher(Latents):
    """The Gaussian of the sphere: a direction, and how closely draws keep to it.

    The angle between a draw and mu is drawn by its quantile function. Its derivative in kappa is
    -(dF/dkappa)/p, F the distribution function: no draw is rejected, and the gradient is exact.

    Source: Davidson, Falorsi, De Cao, Kipf & Tomczak 2018, Hyperspherical variational
    auto-encoders, equation 1; Figurnov, Mohamed & Mnih 2018, equation 8, for the gradient.

    Args:
        mu: unit vectors, [*batch, K], K at least 2.
        kappa: concentration, positive, [*batch].

    Example:
        >>> q = VonMisesFisher(torch.tensor([[0.0, 1.0]]), torch.tensor([1e4]))
        >>> q.mean.round(decimals=3)
        tensor([[0., 1.]])

    """

    def __init__(self, mu: Float[Tensor, "*batch k"], kappa: Float[Tensor, "*batch"]) -> None:
        self.mu, self.kappa = mu, kappa
        self.order = mu.shape[-1] / 2 - 1
        super().__init__(kappa.shape, mu.shape[-1:], validate_args=False)

    # kappa mu'z - kappa = -kappa |z - mu|^2 / 2: no digits are lost where kappa is large
    def log_prob(self, value: Float[Tensor, "*shape k"]) -> Tensor:
        """Return the log-density against the area of the sphere."""
        away = 0.5 * ((value - self.mu) ** 2).sum(-1)
        log_norm = log_bessel(self.kappa, self.order) + log_area(self.mu.shape[-1])
        return -self.kappa * away - log_norm

    @property
    def centre(self) -> Tensor:
        """Return mu, on the sphere: what stands for the distribution where one point has to."""
        return self.mu

    @property
    def mean(self) -> Tensor:
        """Return A mu: inside the sphere."""
        return (1.0 - self._short)[..., None] * self.mu

    # Cov z = A/kappa (I - mu mu') + A' mu mu',   A' = 1 - A^2 - (K - 1) A / kappa
    @property
    def variance(self) -> Tensor:
        """Return the variance of each coordinate."""
        across = (1.0 - self._short) / self.kappa
        along = self._short * (2.0 - self._short) - (self.mu.shape[-1] - 1) * across
        square = self.mu**2
        return across[..., None] * (1.0 - square) + along.clamp_min(0.0)[..., None] * square

    @property
    def _short(self) -> Tensor:
        return short_of_one(self.kappa, self.order)

    def rsample(self, sample_shape: _size = torch.Size()) -> Tensor:  # noqa: B008
        """Return draws, [*samples, *batch, K], differentiable in mu and kappa."""
        shape = torch.Size(sample_shape) + self.batch_shape
        angle = self._angle(torch.rand(shape, dtype=self.mu.dtype, device=self.mu.device))
        noise = torch.randn(*shape, self.mu.shape[-1] - 1, dtype=angle.dtype, device=angle.device)
        across = directions.unit(noise)
        parts = torch.cat([angle.cos()[..., None], angle.sin()[..., None] * across], -1)
        return directions.turned(parts, self.mu)

    def _angle(self, u: Tensor) -> Tensor:
        """Return the angles below which there are shares u of the mass."""
        kappa = self.kappa.detach()
        mode, lower, upper = self._window(kappa)
        angle = quantile(lambda t: self._log_angle(t, mode, kappa), lower, upper, u)
        slope = self._slope(angle, mode, lower, upper, kappa)
        return angle + gradient_only(slope * self.kappa)

    # log p(t) = kappa cos t + (K - 2) log sin t, less its value at another angle
    def _log_angle(self, t: Tensor, other: Tensor, kappa: Tensor) -> Tensor:
        tiny = torch.finfo(t.dtype).tiny
        bent = 2.0 * kappa * (torch.sin(0.5 * t) ** 2 - torch.sin(0.5 * other) ** 2)
        sines = [torch.log(torch.sin(v).clamp_min(tiny)) for v in (t, other)]
        return 2 * self.order * (sines[0] - sines[1]) - bent

    # kappa sin^2 t = (K - 2) cos t at the mode, where -(log p)'' = kappa cos t + (K - 2)/sin^2 t
    def _window(self, kappa: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the mode of the angle, and between what all but e^-36 of the mass lies."""
        k = 2 * self.order
        cosine = 2.0 * kappa / (k + torch.sqrt(k * k + 4.0 * kappa**2))
        square = k * cosine / kappa  # of the sine
        mode = torch.atan2(square.sqrt(), cosine)
        curvature = kappa * cosine + kappa / cosine * (k > 0)
        reach = WINDOW / curvature.sqrt()
        return mode, (mode - reach).clamp_min(0.0), (mode + reach).clamp_max(math.pi)

    # d angle / d kappa = -int_0^angle (cos t - A) p(t) dt / p(angle), or int_angle^pi of the same
    @torch.no_grad()
    def _slope(
        self, angle: Tensor, mode: Tensor, lower: Tensor, upper: Tensor, kappa: Tensor
    ) -> Tensor:
        end = torch.where(angle < mode, lower, upper)  # the side on which p only falls
        x, w = nodes(angle, 32)
        t = angle + (end - angle) * x
        gain = short_of_one(kappa, self.order) - 2.0 * torch.sin(0.5 * t) ** 2  # cos t - A
        density = torch.exp(self._log_angle(t, angle, kappa))
        return (end - angle) * (w * gain * density).sum(0)


# p(z) = 1 / area of S^(K-1)
class UniformOnSphere(Latents):
    """Every direction alike.

    Args:
        like: any vector of K entries: its dtype and device are those of the draws.

    Example:
        >>> p = UniformOnSphere(torch.zeros(3))
        >>> round(float(p.log_prob(p.sample()).exp() * 4 * math.pi), 4)
        1.0

    """

    def __init__(self, like: Float[Tensor, " k"]) -> None:
        self.like = like
        super().__init__(event_shape=like.shape, validate_args=False)

    def log_prob(self, value: Float[Tensor, "*shape k"]) -> Tensor:
        """Return the log-density against the area of the sphere."""
        return torch.zeros_like(value[..., 0]) - log_area(len(self.like))

    def rsample(self, sample_shape: _size = torch.Size()) -> Tensor:  # noqa: B008
        """Return directions of Gaussian noise."""
        return directions.unit(torch.randn_like(self.like.expand(*sample_shape, -1)))

    @property
    def mean(self) -> Tensor:
        """Return 0."""
        return torch.zeros_like(self.like)

    @property
    def variance(self) -> Tensor:
        """Return 1/K for every coordinate."""
        return torch.full_like(self.like, 1.0 / len(self.like))


# log 2 pi^(K/2) / Gamma(K/2)
def log_area(k: int) -> float:
    """Logarithm of the area of the unit sphere in R^k.

    Example:
        >>> round(math.exp(log_area(3)) / math.pi, 6)
        4.0

    """
    return math.log(2.0) + 0.5 * k * math.log(math.pi) - math.lgamma(0.5 * k)


def require_sphere(latent: int) -> None:
    """Refuse a single latent: in one dimension the sphere is two points."""
    if latent < 2:
        fix = "Try 3: the sphere in R^3 has two dimensions."
        raise BadValue("latent", expected="at least 2, on a sphere", got=latent, fix=fix)


# KL = E_q[kappa mu'z] - log [I_v(kappa) Gamma(v + 1) (2/kappa)^v]
@register_kl(VonMisesFisher, UniformOnSphere)
def _kl(q: VonMisesFisher, p: UniformOnSphere) -> Tensor:
    short = short_of_one(q.kappa, q.order)
    return -q.kappa * short - log_bessel(q.kappa, q.order)
