"""Gaussian likelihood whose variance the decoder predicts, for noise that differs."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Distribution, Independent, Normal

from nelbo.checks import within
from nelbo.errors import BadValue
from nelbo.formulas import gaussian_log_prob, gradient_only
from nelbo.likelihoods.base import Likelihood, Shape
from nelbo.likelihoods.reals import Reals
from nelbo.likelihoods.scale import LOG_SIGMA_FLOOR, floored, unfloored
from nelbo.registry import register


class _Features(Normal):
    """A Gaussian per feature, by log sigma; the gradient of its density may be weighted."""

    def __init__(self, mean: Tensor, log_sigma: Tensor, beta: float) -> None:
        self._log_sigma, self._beta = log_sigma, beta
        super().__init__(mean, log_sigma.exp(), validate_args=False)

    # log p + (sg[sigma^(2 beta)] - 1) (log p - sg[log p])             Seitzer et al. 2022, (5)
    def log_prob(self, value: Tensor) -> Tensor:
        log_prob = gaussian_log_prob(value, self.loc, 2 * self._log_sigma)
        weight = torch.exp(2 * self._beta * self._log_sigma.detach())
        return log_prob + (weight - 1) * gradient_only(log_prob)


# log p(x|z) = sum_d log N(x_d; m_d(z), sigma_d(z)^2)
#     log sigma = f + softplus(v(z) / 2 - f),  v the decoder's log-variance, f the floor
@register("likelihood", "heteroscedastic")
class Heteroscedastic(Reals, Likelihood):
    """Every feature is its mean plus noise of a variance that the decoder predicts.

    The decoder gives two numbers a feature, the mean and a log-variance. Without a floor the
    density of data that is met exactly has no bound (Detlefsen et al. 2019; Stirn & Knowles 2020).

    Means that are badly met are learned slowly, since a large variance shrinks their gradient.
    With `beta` above 0 each feature's gradient is multiplied by sigma^(2 beta) while training
    (beta-NLL); `log_prob` stays the log-density.

    Source: Detlefsen, Jorgensen & Hauberg 2019, Reliable training and estimation of variance
    networks; Stirn & Knowles 2020, Variational variance; Seitzer, Tavakoli, Antic & Martius 2022,
    On the pitfalls of heteroscedastic uncertainty estimation, equation 5, for beta.

    Args:
        floor: of log sigma, soft.
        beta: of the beta-NLL, from 0 (the likelihood's own gradient) to 1 (for the mean, that of
            the squared error). The authors advise 0.5.

    Raises:
        ValueError: a floor that is not finite, or a beta outside [0, 1].

    Example:
        >>> px = Heteroscedastic()(torch.zeros(1, 3, 2, 784))
        >>> px.log_prob(torch.zeros(3, 784)).shape
        torch.Size([1, 3])

    """

    def __init__(self, floor: float = LOG_SIGMA_FLOOR, beta: float = 0.0) -> None:
        super().__init__()
        if not -float("inf") < floor < float("inf"):
            fix = "It is the logarithm of the smallest standard deviation: try -6."
            raise BadValue("floor", expected="a finite number", got=floor, fix=fix)
        within("beta", beta, "[0, 1]", fix="0.5 is what its authors advise.")
        self.floor, self.beta = floor, beta
        self._initial = torch.zeros(())

    def parameter_shape(self, data_shape: Shape) -> Shape:
        """Return (2, *data_shape): the mean, and the log-variance."""
        return (2, *data_shape)

    def forward(self, parameters: Float[Tensor, "samples batch 2 *event"]) -> Distribution:
        """Return p(x|z) for means and log-variances, [samples, batch, 2, *data_shape]."""
        mean, logvar = parameters.unbind(2)
        beta = self.beta if self.training else 0.0
        features = _Features(mean, floored(0.5 * logvar, self.floor), beta)
        return Independent(features, mean.dim() - 2, validate_args=False)

    @property
    def belief(self) -> str:
        """What this likelihood takes the data to be."""
        weighted = f", gradients times sigma^{2 * self.beta:g}" if self.beta else ""
        return f"Gaussian: noise of a predicted variance, log sigma above {self.floor:g}{weighted}"

    def start(self, mean: Float[Tensor, " *event"], variance: Float[Tensor, " *event"]) -> None:
        """Have the decoder begin at the variance that the data has."""
        self._initial = 2 * unfloored(variance, self.floor)

    def output_at(self, mean: Float[Tensor, " *event"]) -> Float[Tensor, " two *event"]:
        """Return the mean, and the log-variance to begin with, 0 until the data's is known."""
        return torch.stack((mean, self._initial.to(mean).expand_as(mean)))
