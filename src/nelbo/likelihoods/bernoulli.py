"""Bernoulli likelihood, for binary data."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Bernoulli as TorchBernoulli
from torch.distributions import Distribution, Independent, constraints

from nelbo.likelihoods.base import HALF_LEVEL, Likelihood
from nelbo.registry import register


# log p(x|z) = sum_d x_d a_d - log(1 + e^(a_d)),   a = decoder(z)      Kingma & Welling 2014, (C.1)
@register("likelihood", "bernoulli")
class Bernoulli(Likelihood):
    """Every feature is 0 or 1; the decoder's output is the log-odds of a 1.

    Grey values in [0, 1] are accepted with a warning: the cross-entropy that comes out is no
    log-probability, its lowest value is above 0 and it compares with nothing.

    Source: Kingma & Welling 2014, Auto-Encoding Variational Bayes, appendix C.1.

    Example:
        >>> px = Bernoulli()(torch.zeros(1, 3, 784))
        >>> px.log_prob(torch.ones(3, 784)).shape
        torch.Size([1, 3])

    """

    support = constraints.boolean
    domain = constraints.unit_interval
    base_measure = "mass on {0, 1}^D"
    requirement = "values in [0, 1]"
    bears_bf16 = True
    advice = (
        "Scale the data (the transform 'scale' divides bytes by 255), or use the likelihood "
        "'gaussian'."
    )
    warning = (
        "grey values are no outcomes of a Bernoulli. Use the likelihood 'continuous_bernoulli', "
        "or binarise with the transform 'dynamic_binarise'."
    )

    def forward(self, parameters: Float[Tensor, "samples batch *event"]) -> Distribution:
        """Return p(x|z) for log-odds of shape [samples, batch, *data_shape]."""
        features = TorchBernoulli(logits=parameters, validate_args=False)
        return Independent(features, parameters.dim() - 2, validate_args=False)

    @property
    def belief(self) -> str:
        """What this likelihood takes the data to be."""
        return "Bernoulli: every feature is 0 or 1"

    def output_at(self, mean: Float[Tensor, " *event"]) -> Float[Tensor, " *event"]:
        """Return log m / (1 - m)."""
        return torch.logit(mean, eps=HALF_LEVEL)

    def noise_variance(self, mean: Float[Tensor, "*event"]) -> Float[Tensor, "*event"]:
        """Return m (1 - m)."""
        return mean * (1.0 - mean)
