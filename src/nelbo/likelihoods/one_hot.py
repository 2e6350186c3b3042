"""Categorical likelihood of one-hot data."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Distribution, Independent, constraints
from torch.distributions import OneHotCategorical as TorchOneHot

from nelbo.likelihoods.base import HALF_LEVEL, Likelihood
from nelbo.registry import register


class _Features(TorchOneHot):
    """A one-hot row; of rows that are none the log-density is still sum_k x_k log p_k."""

    def log_prob(self, value: Tensor) -> Tensor:
        return (value * self.logits).sum(-1)  # torch's own would take the largest for the hot one


# log p(x|z) = sum_d sum_k x_dk log softmax(a_d)_k,   a = decoder(z)
@register("likelihood", "one_hot")
class OneHot(Likelihood):
    """Every row along the last axis is one category of K, as a 1 among zeros.

    The decoder's output has the shape of the data, [samples, batch, ..., K], the logits. Tokens
    0..K-1 need no such rows: there is `categorical` with coding=tokens.

    Source: Bishop 2006, Pattern recognition and machine learning, equations 2.26 and 4.62.

    Example:
        >>> px = OneHot()(torch.zeros(1, 3, 10, 4))
        >>> round(px.log_prob(torch.eye(4)[torch.zeros(3, 10).long()])[0, 0].item(), 4)  # -10 log 4
        -13.8629

    """

    support = constraints.one_hot
    domain = constraints.boolean
    base_measure = "mass on the one-hot rows"
    requirement = "values that are 0 or 1"
    advice = "Put a single 1 among zeros along the last axis, as torch's one_hot does."
    warning = (
        "rows with no 1, or with several, are no categories. Put a single 1 along the last axis, "
        "or use the likelihood 'bernoulli'."
    )

    def forward(self, parameters: Float[Tensor, "samples batch *event"]) -> Distribution:
        """Return p(x|z) for logits of shape [samples, batch, *data_shape]."""
        rows = _Features(logits=parameters, validate_args=False)
        return Independent(rows, parameters.dim() - 3, validate_args=False)

    @property
    def belief(self) -> str:
        """What this likelihood takes the data to be."""
        return "one-hot: every row along the last axis is one category"

    def output_at(self, mean: Float[Tensor, " *event"]) -> Float[Tensor, " *event"]:
        """Return log m."""
        return torch.log(mean.clamp_min(HALF_LEVEL))

    def noise_variance(self, mean: Float[Tensor, "*event"]) -> Float[Tensor, "*event"]:
        """Return m (1 - m)."""
        return mean * (1.0 - mean)
