"""Logistic likelihood, for real values with some outliers."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Distribution, constraints
from torch.types import _size

from nelbo.likelihoods.base import Likelihood
from nelbo.likelihoods.one_scale import OneScale
from nelbo.likelihoods.reals import Reals
from nelbo.registry import register


class _Features(Distribution):
    """The logistic distribution per feature, which torch does not have."""

    def __init__(self, mean: Tensor, scale: Tensor) -> None:
        self.loc, self.scale = torch.broadcast_tensors(mean, scale)
        super().__init__(mean.shape, validate_args=False)

    @property
    def support(self) -> constraints.Constraint:
        return constraints.real

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        return (math.pi * self.scale) ** 2 / 3

    def log_prob(self, value: Tensor) -> Tensor:
        y = (value - self.loc) / self.scale
        return -y - 2 * F.softplus(-y) - torch.log(self.scale)

    # F^-1(u) = m + s log(u / (1 - u))
    def sample(self, sample_shape: _size = torch.Size()) -> Tensor:  # noqa: B008
        with torch.no_grad():
            u = torch.rand(
                torch.Size(sample_shape) + self.loc.shape,
                dtype=self.loc.dtype,
                device=self.loc.device,
            )
            return self.loc + self.scale * torch.logit(u, eps=torch.finfo(u.dtype).eps)


# log p(x|z) = sum_d -y_d - 2 log(1 + e^(-y_d)) - log s,   y = (x - m(z)) / s
#     Johnson, Kotz & Balakrishnan 1995, chapter 23
@register("likelihood", "logistic")
class Logistic(OneScale, Reals, Likelihood):
    """Every feature is its mean plus logistic noise of scale s.

    Near its mean it is a squared error, far away an absolute one: smooth, and robust.

    Source: Johnson, Kotz & Balakrishnan 1995, Continuous univariate distributions 2, chapter 23.

    Args:
        scale: s, stated; by default learned.

    Raises:
        ValueError: a scale that is not positive.

    Example:
        >>> round(Logistic(scale=0.25).implied_variance, 4)
        0.2056

    """

    unit_variance = math.pi**2 / 3

    def features(self, parameters: Tensor) -> Distribution:
        """Return logistic distributions about the means."""
        return _Features(parameters, self.noise())

    @property
    def belief(self) -> str:
        """What this likelihood takes the data to be."""
        return f"logistic: noise of {self.noise.belief}"

    def output_at(self, mean: Float[Tensor, " *event"]) -> Float[Tensor, " *event"]:
        """Return the mean: it is the decoder's output."""
        return mean
