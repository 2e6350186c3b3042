"""Negative binomial likelihood, for counts that vary more than a Poisson's."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Distribution, Independent
from torch.distributions import NegativeBinomial as TorchNegativeBinomial

from nelbo.formulas import log_rising
from nelbo.likelihoods.base import Likelihood
from nelbo.likelihoods.counts import Dispersed, dispersion_of, log_mean
from nelbo.likelihoods.nuisance import Shape, nuisance
from nelbo.registry import register


class NegativeBinomialCounts(TorchNegativeBinomial):
    """The negative binomial of mean e^log_mean and theta = e^rho, per feature."""

    def __init__(self, log_mean: Tensor, rho: Tensor) -> None:
        theta = dispersion_of(rho).expand_as(log_mean)
        super().__init__(theta, logits=log_mean - theta.log(), validate_args=False)

    def log_prob(self, value: Tensor) -> Tensor:
        """Return the log-mass, with all its digits where theta is large."""
        theta, logits = self.total_count, self.logits
        shares = theta * F.logsigmoid(-logits) + value * F.logsigmoid(logits)
        return shares + log_rising(theta, value) - torch.lgamma(value + 1)


# p(x|z) = prod_d G(x + t) / (G(t) x!) (t / (t + m))^t (m / (t + m))^x,   log m = decoder(z)
@register("likelihood", "negative_binomial")
class NegativeBinomial(Dispersed, Likelihood):
    """Every feature is a count of mean m and variance m + m^2 / theta.

    A Poisson whose rate is gamma distributed; of theta, the inverse dispersion, the logarithm is
    learned. Where the counts vary no more than a Poisson's, theta grows without bound.

    Source: Lopez, Regier, Cole, Jordan & Yosef 2018, Deep generative modeling for single-cell
    transcriptomics (scVI); what is `dispersion="gene"` and `"gene-cell"` in scvi-tools is
    `"per_feature"` and `"predicted"` here.

    Args:
        dispersion: where theta comes from: `"per_feature"` or `"shared"` (learned), or
            `"predicted"`: the decoder's output is then [samples, batch, 2, *data_shape], log m
            and log theta.

    Raises:
        ValueError: another dispersion.

    Example:
        >>> import torch
        >>> px = NegativeBinomial()(torch.zeros(1, 3, 50))
        >>> px.variance[0, 0, 0].item()
        2.0

    """

    def __init__(self, dispersion: str = "per_feature") -> None:
        super().__init__()
        self.dispersion = dispersion
        self.theta = nuisance("dispersion", dispersion, 0.0)

    def parameter_shape(self, data_shape: Shape) -> Shape:
        """Return `data_shape`, or (2, *data_shape) where theta is predicted."""
        return self.theta.parameter_shape(data_shape)

    def forward(self, parameters: Float[Tensor, "samples batch *output"]) -> Distribution:
        """Return p(x|z) for logarithms of the mean, [samples, batch, *data_shape]."""
        log_m, rho = self.theta.split(parameters)
        return Independent(NegativeBinomialCounts(log_m, rho), log_m.dim() - 2, validate_args=False)

    @property
    def belief(self) -> str:
        """What this likelihood takes the data to be."""
        return f"negative binomial: every feature is a count, its {self.words}"

    def output_at(self, mean: Float[Tensor, " *event"]) -> Float[Tensor, " *output"]:
        """Return log m, and theta = 1 where it is predicted."""
        return self.theta.beside(log_mean(mean))

    def noise_variance(self, mean: Float[Tensor, "*event"]) -> Float[Tensor, "*event"] | None:
        """Return m + m^2 / theta, None where theta is predicted."""
        rho = self.theta.learned
        if rho is None:
            return None
        return mean + mean**2 / dispersion_of(rho.reshape(mean.shape) if rho.dim() else rho)
