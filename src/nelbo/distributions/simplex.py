"""Simplices: the Concrete distribution, a relaxation of the categorical one."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor
from torch.types import _size

from nelbo.distributions.base import Latents
from nelbo.distributions.fixed_noise import fixed_uniforms
from nelbo.errors import BadValue


def simplices(categories: int) -> str:
    """Return the base measure of densities on simplices.

    Example:
        >>> simplices(10)
        'density on simplices of 10 categories'

    """
    return f"density on simplices of {categories} categories"


# log q(z) = log Gamma(C) + (C - 1) log t + sum_c [l_c - (t + 1) log z_c]
#            - C log sum_c exp(l_c - t log z_c),   summed over the groups
class Concrete(Latents):
    """softmax((l + Gumbel noise) / t) in each of several groups: nearly one-hot where t is small.

    The density is against the volume of all coordinates but the last of each group. Coordinates
    are kept above the smallest number of their type, so that their logarithms are finite.

    Source: Maddison, Mnih & Teh 2017, The Concrete distribution, equation 10; Jang, Gu & Poole
    2017, Categorical reparameterization with Gumbel-softmax.

    Args:
        logits: l, [*batch, groups, categories].
        temperature: t, positive.

    Example:
        >>> Concrete(torch.zeros(3, 2, 5), 0.5).rsample().shape
        torch.Size([3, 10])

    """

    moments_are_estimated = True

    def __init__(
        self, logits: Float[Tensor, "*batch groups categories"], temperature: float
    ) -> None:
        self.logits, self.temperature = logits.log_softmax(-1), temperature
        event = torch.Size((math.prod(logits.shape[-2:]),))
        super().__init__(logits.shape[:-2], event, validate_args=False)

    def log_prob(self, value: Float[Tensor, "*shape latent"]) -> Tensor:
        """Return the log-density of points of the simplices."""
        categories, t = self.logits.shape[-1], self.temperature
        log_z = torch.log(value.unflatten(-1, self.logits.shape[-2:]))
        score = self.logits - t * log_z
        each = (score - log_z).sum(-1) - categories * score.logsumexp(-1)
        constant = math.lgamma(categories) + (categories - 1) * math.log(t)
        return (each + constant).sum(-1)

    def rsample(self, sample_shape: _size = torch.Size()) -> Tensor:  # noqa: B008
        """Return draws, [*samples, *batch, groups * categories]."""
        shape = torch.Size(sample_shape) + self.logits.shape
        u = torch.rand(shape, dtype=self.logits.dtype, device=self.logits.device)
        return self._relaxed(u)

    def _relaxed(self, u: Tensor) -> Tensor:
        kept = torch.finfo(u.dtype)
        gumbel = -torch.log(-torch.log(u.clamp(kept.tiny, 1.0 - kept.eps)))
        z = torch.softmax((self.logits + gumbel) / self.temperature, -1)
        return z.clamp_min(kept.tiny).flatten(-2)

    @property
    def mean(self) -> Tensor:
        """Return the mean over fixed draws of the noise; there is no closed form."""
        return self._fixed().mean(0)

    @property
    def variance(self) -> Tensor:
        """Return the variance over fixed draws of the noise."""
        return self._fixed().var(0)

    def _fixed(self) -> Tensor:
        u = fixed_uniforms(self.event_shape[0])
        u = u.unflatten(-1, self.logits.shape[-2:]).to(self.logits)
        return self._relaxed(u[(slice(None), *[None] * len(self.batch_shape))])


def whole_groups(latent: int, categories: int) -> int:
    """Return the number of groups; ValueError where the latents are not whole ones."""
    if latent % categories:
        raise BadValue(
            "latent",
            expected=f"a multiple of the {categories} categories",
            got=latent,
            fix=f"Try {categories * max(1, round(latent / categories))}.",
        )
    return latent // categories


def require_temperature(temperature: float) -> float:
    """Return a temperature; ValueError where it is not positive."""
    if not 0 < temperature < float("inf"):
        fix = "Try 0.5."
        raise BadValue("temperature", expected="a positive number", got=temperature, fix=fix)
    return temperature
