"""Log-normal likelihood, for positive values whose errors are relative."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Distribution, constraints
from torch.distributions import LogNormal as TorchLogNormal

from nelbo.likelihoods.base import Likelihood
from nelbo.likelihoods.one_scale import OneScale
from nelbo.registry import register


# log p(x|z) = sum_d log N(log x_d; m_d(z), s^2) - log x_d
#     Johnson, Kotz & Balakrishnan 1994, chapter 14
@register("likelihood", "log_normal")
class LogNormal(OneScale, Likelihood):
    """The logarithm of every feature is the decoder's output plus Gaussian noise of deviation s.

    Its density is one in the data's own units: it compares with that of any other continuous
    likelihood on the same data.

    Source: Johnson, Kotz & Balakrishnan 1994, Continuous univariate distributions 1, chapter 14.

    Args:
        scale: s, the standard deviation of log x, stated; by default learned.

    Raises:
        ValueError: a scale that is not positive.

    Example:
        >>> px = LogNormal(scale=0.5)(torch.zeros(1, 3, 20))
        >>> px.log_prob(torch.ones(3, 20)).shape
        torch.Size([1, 3])

    """

    support = constraints.positive
    domain = constraints.positive
    base_measure = "density on R^D"
    requirement = "values above 0"
    advice = (
        "Leave out features that can be 0, or add to them half the smallest step that was "
        "measured; values below 0 need the likelihood 'gaussian'."
    )

    def features(self, parameters: Tensor) -> Distribution:
        """Return log-normal distributions, by the means of log x."""
        return TorchLogNormal(parameters, self.noise(), validate_args=False)

    @property
    def belief(self) -> str:
        """What this likelihood takes the data to be."""
        return f"log-normal: relative noise of {self.noise.belief}"

    @property
    def implied_variance(self) -> None:
        """None: a feature's variance grows with its mean."""

    # E[x] = exp(m + s^2 / 2)
    def output_at(self, mean: Float[Tensor, " *event"]) -> Float[Tensor, " *event"]:
        """Return log(mean) - s^2 / 2."""
        least = torch.finfo(mean.dtype).tiny
        return torch.log(mean.clamp_min(least)) - 0.5 * self.noise.number**2

    def shown(self, x: Float[Tensor, " batch *event"]) -> Float[Tensor, " batch *event"]:
        """Return log x."""
        return torch.log(x.clamp_min(torch.finfo(x.dtype).tiny))

    def start(self, mean: Float[Tensor, " *event"], variance: Float[Tensor, " *event"]) -> None:
        """Begin at the s whose relative variance is the data's."""
        self.noise.start(torch.log1p(variance / mean**2))

    # Var[x] = E[x]^2 (exp(s^2) - 1)
    def noise_variance(self, mean: Float[Tensor, "*event"]) -> Float[Tensor, "*event"]:
        """Return mean^2 (exp(s^2) - 1)."""
        return mean**2 * torch.expm1(self.noise().detach().to(mean) ** 2)
