"""The binary Concrete distribution: relaxed bits."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor
from torch.types import _size

from nelbo.distributions.base import Latents
from nelbo.distributions.quantile import nodes

BITS = "density on (0, 1)^K"

REACH = 40.0  # of logistic noise, with e^-40 of its mass beyond
STEP = 0.6  # of the trapezoidal rule: poles at a distance of pi leave an error of e^(-2 pi^2/step)


# z = s((l + L) / t),  L logistic:  with y = log z/(1 - z) and a = l - t y,
# log q(z) = log t + a - 2 log(1 + e^a) - log z - log(1 - z)
class RelaxedBits(Latents):
    """Independent relaxed bits: nearly 0 or 1 where the temperature is small.

    Between 1 - epsilon and 1 there are no numbers, and at a small temperature a good part of the
    mass. Draws are therefore moved into [epsilon, 1 - epsilon], and at both ends `log_prob` is the
    logarithm of the mass beyond: the bound that is made of it stays one.

    Source: Maddison, Mnih & Teh 2017, The Concrete distribution, equation 24.

    Args:
        logits: l, [*batch, K].
        temperature: t, positive.

    Example:
        >>> q = RelaxedBits(torch.tensor([[0.0, 50.0]]), 0.5)
        >>> q.mean.round(decimals=3)
        tensor([[0.5000, 1.0000]])

    """

    def __init__(self, logits: Float[Tensor, "*batch k"], temperature: float) -> None:
        self.logits, self.temperature = logits, temperature
        self.epsilon = torch.finfo(logits.dtype).eps
        super().__init__(logits.shape[:-1], logits.shape[-1:], validate_args=False)

    def log_prob(self, value: Float[Tensor, "*shape k"]) -> Tensor:
        """Return the log-density, and at both ends the logarithm of the mass beyond."""
        log_z, log_rest = torch.log(value), torch.log1p(-value)
        a = self.logits - self.temperature * (log_z - log_rest)
        inside = math.log(self.temperature) + _log_slope(a) - log_z - log_rest
        low = torch.where(value <= self.epsilon, F.logsigmoid(-a), inside)
        return torch.where(value >= 1.0 - self.epsilon, F.logsigmoid(a), low).sum(-1)

    def rsample(self, sample_shape: _size = torch.Size()) -> Tensor:  # noqa: B008
        """Return draws, [*samples, *batch, K]."""
        shape = torch.Size(sample_shape) + self.logits.shape
        u = torch.rand(shape, dtype=self.logits.dtype, device=self.logits.device)
        return self._relaxed(torch.logit(u, torch.finfo(u.dtype).tiny))

    def _relaxed(self, logistic: Tensor) -> Tensor:
        z = torch.sigmoid((self.logits + logistic) / self.temperature)
        return z.clamp(self.epsilon, 1.0 - self.epsilon)

    # KL(q || p) = log t_q/t_p - 2 - E[log s(b) + log s(-b)],  b = l_p - t_p (l_q + L)/t_q,
    # where -2 is E[log s(L) + log s(-L)]
    def kl_per_latent(self, p: object, z: Tensor) -> Float[Tensor, "*batch k"] | None:
        """Return the KL from other relaxed bits p, by quadrature; None for any other p.

        It is that of y = log z/(1 - z), which is nowhere moved or rounded: so its gradient is that
        of a KL however certain the bits are. No draw z is needed.
        """
        if not isinstance(p, RelaxedBits):
            return None
        ratio = p.temperature / self.temperature
        points = math.ceil(2 * REACH * max(1.0, ratio) / STEP) + 1
        like = {"dtype": self.logits.dtype, "device": self.logits.device}
        noise = torch.linspace(-REACH, REACH, points, **like).reshape(-1, *[1] * self.logits.dim())
        b = p.logits - ratio * (self.logits + noise)
        weight = torch.exp(_log_slope(noise)) * (2 * REACH / (points - 1))
        return -math.log(ratio) - 2.0 - (weight * _log_slope(b)).sum(0)

    @property
    def mean(self) -> Tensor:
        """Return the mean, by quadrature."""
        return self._moment(lambda z: z)

    @property
    def variance(self) -> Tensor:
        """Return the variance, by quadrature."""
        mean = self.mean
        return self._moment(lambda z: (z - mean) ** 2)

    # int f(s((l + L) / t)) s'(L) dL, on panels narrower than the distance pi t to the poles
    def _moment(self, function: Callable[[Tensor], Tensor]) -> Tensor:
        """Return the expectation of a function of z."""
        panels = math.ceil(2 * REACH / min(1.5, 3.0 * self.temperature))
        width = 2 * REACH / panels
        x, w = nodes(self.logits, 12)
        first = torch.arange(panels, dtype=x.dtype, device=x.device) * width - REACH
        logistic = (first.reshape(1, -1, *[1] * self.logits.dim()) + width * x[:, None]).flatten(
            0, 1
        )
        z = torch.sigmoid((self.logits + logistic) / self.temperature)
        mass = torch.exp(_log_slope(logistic)) * width
        return (w.repeat_interleave(panels, 0) * mass * function(z)).sum(0)


def _log_slope(a: Tensor) -> Tensor:
    """Return log s(a) + log s(-a): log of the sigmoid's derivative."""
    return 2.0 * F.logsigmoid(a) - a  # log s(-a) = log s(a) - a
