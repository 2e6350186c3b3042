"""Laplace likelihood, for real values with outliers."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor
from torch.distributions import Distribution
from torch.distributions import Laplace as TorchLaplace

from nelbo.likelihoods.base import Likelihood
from nelbo.likelihoods.one_scale import OneScale
from nelbo.likelihoods.reals import Reals
from nelbo.registry import register


# log p(x|z) = -|x - m(z)|_1 / b - D log(2 b)      Johnson, Kotz & Balakrishnan 1995, chapter 24
@register("likelihood", "laplace")
class Laplace(OneScale, Reals, Likelihood):
    """Every feature is its median plus noise of scale b.

    Up to constants a summed absolute error is this likelihood with b = 1, its mean over D features
    with b = D. It has no curvature, so that there is no forecast of it.

    Source: Johnson, Kotz & Balakrishnan 1995, Continuous univariate distributions 2, chapter 24.

    Args:
        scale: b, stated; by default learned.

    Raises:
        ValueError: a scale that is not positive.

    Example:
        >>> import torch
        >>> Laplace(scale=0.5)(torch.zeros(1, 3, 784)).log_prob(torch.zeros(3, 784))
        tensor([[0., 0., 0.]])

    """

    unit_variance = 2.0

    def features(self, parameters: Tensor) -> Distribution:
        """Return Laplace distributions about the medians."""
        return TorchLaplace(parameters, self.noise(), validate_args=False)

    @property
    def belief(self) -> str:
        """What this likelihood takes the data to be."""
        return f"Laplace: noise of {self.noise.belief}"

    def output_at(self, mean: Float[Tensor, " *event"]) -> Float[Tensor, " *event"]:
        """Return the mean: it is the median."""
        return mean
