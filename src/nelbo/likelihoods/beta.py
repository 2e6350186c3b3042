"""Beta likelihood, for values between 0 and 1."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Beta as TorchBeta
from torch.distributions import Distribution, Independent, constraints

from nelbo.formulas import LOG_2PI, log_gamma_remainder
from nelbo.likelihoods.base import HALF_LEVEL, Likelihood, Shape
from nelbo.registry import register

LOG_CONCENTRATION_CEILING = 10.0  # at a mean of 1/2 a standard deviation of 0.003
UNIFORM = math.log(math.expm1(LOG_CONCENTRATION_CEILING - math.log(2.0)))  # at c = 0, k = 2


class _Open(constraints.interval):
    """The interval without its ends."""

    def check(self, value: Tensor) -> Tensor:
        return (self.lower_bound < value) & (value < self.upper_bound)


class _Features(TorchBeta):
    """The Beta per feature, by the logit of its mean and the logarithm of its concentration."""

    def __init__(self, logits: Tensor, log_concentration: Tensor) -> None:
        self._log_means = F.logsigmoid(logits), F.logsigmoid(-logits)
        self._log_total = log_concentration
        a, b = ((log_concentration + part).exp() for part in self._log_means)
        super().__init__(a, b, validate_args=False)

    @property
    def mean(self) -> Tensor:
        return self._log_means[0].exp()

    # log p = -k KL(m || x) + 1/2 log(a b / 2 pi k) - log x (1 - x) + r(k) - r(a) - r(b),
    # a = m k, b = (1 - m) k: the log-gammas without their large parts, which cancel
    def log_prob(self, value: Tensor) -> Tensor:
        x = value.clamp(torch.finfo(value.dtype).tiny, 1 - torch.finfo(value.dtype).eps / 2)
        total = torch.exp(self._log_total)
        log_prob = 0.5 * (sum(self._log_means) + self._log_total - LOG_2PI)
        log_prob = log_prob + log_gamma_remainder(total)
        for log_mean, log_x in zip(self._log_means, (torch.log(x), torch.log1p(-x)), strict=True):
            part = torch.exp(self._log_total + log_mean)
            log_prob = log_prob - part * (log_mean - log_x) - log_x - log_gamma_remainder(part)
        return log_prob


# log p(x|z) = sum_d log Gamma(k) - log Gamma(m k) - log Gamma((1 - m) k)
#                  + (m k - 1) log x + ((1 - m) k - 1) log(1 - x)
#     Ferrari & Cribari-Neto 2004, (4); k predicted as well: Smithson & Verkuilen 2006
@register("likelihood", "beta")
class Beta(Likelihood):
    """Every feature lies between 0 and 1, with a mean m and a concentration k of its own.

    The decoder gives two numbers a feature, logit m and c. Where k is small it is 2 e^c; it stays
    below e^10, since an exact prediction would otherwise be paid without bound. Zeros are the
    uniform distribution; where k m or k (1 - m) is below 1 the density grows without bound at an
    end.

    Source: Ferrari & Cribari-Neto 2004, Beta regression for modelling rates and proportions,
    equation 4; Smithson & Verkuilen 2006, A better lemon squeezer?, for the second submodel.

    Example:
        >>> px = Beta()(torch.zeros(1, 3, 2, 784))
        >>> bool((px.log_prob(torch.full((3, 784), 0.3)).abs() < 1e-2).all())  # uniform
        True

    """

    support = constraints.unit_interval
    domain = _Open(0.0, 1.0)
    base_measure = "density on R^D"
    requirement = "values between 0 and 1, neither of them included"
    advice = (
        "Move them inside, as x -> (x (n - 1) + 1/2) / n of n examples does, or use the "
        "likelihood 'continuous_bernoulli'."
    )

    def parameter_shape(self, data_shape: Shape) -> Shape:
        """Return (2, *data_shape): the logit of the mean, and the concentration."""
        return (2, *data_shape)

    def forward(self, parameters: Float[Tensor, "samples batch 2 *event"]) -> Distribution:
        """Return p(x|z) for logits and concentrations, [samples, batch, 2, *data_shape]."""
        logits, c = parameters.unbind(2)
        features = _Features(logits, LOG_CONCENTRATION_CEILING - F.softplus(UNIFORM - c))
        return Independent(features, logits.dim() - 2, validate_args=False)

    @property
    def belief(self) -> str:
        """What this likelihood takes the data to be."""
        return "Beta: every feature lies between 0 and 1, with a predicted concentration"

    def output_at(self, mean: Float[Tensor, " *event"]) -> Float[Tensor, " two *event"]:
        """Return the logit of the mean, and a concentration of 2."""
        logits = torch.logit(mean, eps=HALF_LEVEL)
        return torch.stack((logits, torch.zeros_like(logits)))
