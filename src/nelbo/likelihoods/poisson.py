"""Poisson likelihood, for counts."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor
from torch.distributions import Distribution, Independent
from torch.distributions import Poisson as TorchPoisson

from nelbo.likelihoods.base import Likelihood
from nelbo.likelihoods.counts import Counts, log_mean
from nelbo.registry import register


class _Features(TorchPoisson):
    """A Poisson per feature, by its log-rate: the rate may underflow, its logarithm may not."""

    def __init__(self, log_rate: Tensor) -> None:
        self.log_rate = log_rate
        super().__init__(log_rate.exp(), validate_args=False)

    def log_prob(self, value: Tensor) -> Tensor:
        return value * self.log_rate - self.rate - (value + 1).lgamma()


# log p(x|z) = sum_d x_d a_d - e^(a_d) - log x_d!,   a = decoder(z)
@register("likelihood", "poisson")
class Poisson(Counts, Likelihood):
    """Every feature is a count whose variance is its mean; the decoder's output is the log-rate.

    Counts that vary more than this (most do) want the likelihood `negative_binomial`.

    Source: McCullagh & Nelder 1989, Generalized Linear Models, section 6.2.

    Example:
        >>> import torch
        >>> px = Poisson()(torch.zeros(1, 3, 50))
        >>> px.log_prob(torch.ones(3, 50))
        tensor([[-50., -50., -50.]])

    """

    def forward(self, parameters: Float[Tensor, "samples batch *event"]) -> Distribution:
        """Return p(x|z) for log-rates of shape [samples, batch, *data_shape]."""
        return Independent(_Features(parameters), parameters.dim() - 2, validate_args=False)

    @property
    def belief(self) -> str:
        """What this likelihood takes the data to be."""
        return "Poisson: every feature is a count whose variance is its mean"

    def output_at(self, mean: Float[Tensor, " *event"]) -> Float[Tensor, " *event"]:
        """Return log m."""
        return log_mean(mean)

    def noise_variance(self, mean: Float[Tensor, "*event"]) -> Float[Tensor, "*event"]:
        """Return m."""
        return mean
