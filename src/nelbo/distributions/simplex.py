"""Simplices: the Concrete distribution, a relaxation of the categorical one."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor
from torch.types import _size

from nelbo.checks import positive, whole
from nelbo.distributions.fixed_noise import OverFixedNoise


def simplices(categories: int) -> str:
    """Return the base measure of densities on simplices.

    Example:
        >>> simplices(10)
        'density on simplices of 10 categories'

    """
    return f"density on simplices of {categories} categories"


# log q(z) = log Gamma(C) + (C - 1) log t + sum_c [l_c - (t + 1) log z_c]
#            - C log sum_c exp(l_c - t log z_c),   summed over the groups
class Concrete(OverFixedNoise):
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
        return self.from_uniform(u.flatten(-2))

    def from_uniform(self, u: Tensor) -> Tensor:
        """Return draws of Gumbel noise, [..., groups * categories]."""
        u = u.unflatten(-1, self.logits.shape[-2:]).to(self.logits)
        kept = torch.finfo(u.dtype)
        gumbel = -torch.log(-torch.log(u.clamp(kept.tiny, 1.0 - kept.eps)))
        z = torch.softmax((self.logits + gumbel) / self.temperature, -1)
        return z.clamp_min(kept.tiny).flatten(-2)


def whole_groups(latent: int, categories: int) -> int:
    """Return the number of groups; ValueError where the latents are not whole ones."""
    return whole("the number of categories", latent, categories)


def equal_logits(latent: int, categories: int) -> Float[Tensor, "groups categories"]:
    """Return logits of groups of which all categories are equally likely."""
    return torch.zeros(whole_groups(latent, categories), categories)


def require_temperature(temperature: float) -> float:
    """Return a temperature; ValueError where it is not positive."""
    return positive("temperature", temperature, fix="Try 0.5.")
