"""Zero-inflated negative binomial likelihood, for counts with more zeros than chance gives."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Distribution, Independent, constraints
from torch.types import _size

from nelbo.likelihoods.base import Likelihood
from nelbo.likelihoods.counts import Dispersed, log_mean
from nelbo.likelihoods.negative_binomial import NegativeBinomialCounts
from nelbo.likelihoods.nuisance import Shape, nuisance
from nelbo.registry import register

FEW = -5.0  # zero logits at which a start has hardly any zeros of its own


class _Features(Distribution):
    """Zero with probability sigmoid(b), else a negative binomial count, per feature."""

    def __init__(self, log_mean: Tensor, zero_logits: Tensor, rho: Tensor) -> None:
        self.counts, self.zero_logits = NegativeBinomialCounts(log_mean, rho), zero_logits
        super().__init__(log_mean.shape, validate_args=False)

    @property
    def support(self) -> constraints.Constraint:
        return constraints.nonnegative_integer

    @property
    def mean(self) -> Tensor:
        return torch.sigmoid(-self.zero_logits) * self.counts.mean

    # Var = (1 - w) (V + w m^2)
    @property
    def variance(self) -> Tensor:
        zero, m = torch.sigmoid(self.zero_logits), self.counts.mean
        return torch.sigmoid(-self.zero_logits) * (self.counts.variance + zero * m**2)

    def log_prob(self, value: Tensor) -> Tensor:
        counted = F.logsigmoid(-self.zero_logits) + self.counts.log_prob(value)
        either = torch.logaddexp(F.logsigmoid(self.zero_logits), counted)
        return torch.where(value == 0, either, counted)

    def sample(self, sample_shape: _size = torch.Size()) -> Tensor:  # noqa: B008
        with torch.no_grad():
            x = self.counts.sample(sample_shape)
            return torch.where(torch.rand_like(x) < torch.sigmoid(self.zero_logits), 0.0, x)


# p(x|z) = prod_d w 1[x_d = 0] + (1 - w) NB(x_d; m, theta),   (log m, logit w) = decoder(z)
@register("likelihood", "zero_inflated_negative_binomial")
class ZeroInflatedNegativeBinomial(Dispersed, Likelihood):
    """Every feature is 0 with probability w, else a negative binomial count of mean m.

    The decoder's output is [samples, batch, 2, *data_shape]: log m, then the logit of w. The
    distribution's own mean is (1 - w) m.

    Source: Lopez, Regier, Cole, Jordan & Yosef 2018, Deep generative modeling for single-cell
    transcriptomics (scVI), equation 6 of the methods.

    Args:
        dispersion: where theta comes from: `"per_feature"` or `"shared"` (learned), or
            `"predicted"`: a third output for each feature, its logarithm.

    Raises:
        ValueError: another dispersion.

    Example:
        >>> px = ZeroInflatedNegativeBinomial()(torch.zeros(1, 3, 2, 50))
        >>> px.mean[0, 0, 0].item()
        0.5

    """

    def __init__(self, dispersion: str = "per_feature") -> None:
        super().__init__()
        self.dispersion = dispersion
        self.theta = nuisance("dispersion", dispersion, 0.0)

    def parameter_shape(self, data_shape: Shape) -> Shape:
        """Return (2, *data_shape), or (3, *data_shape) where theta is predicted."""
        return (2 + self.theta.maps, *data_shape)

    def forward(self, parameters: Float[Tensor, "samples batch maps *event"]) -> Distribution:
        """Return p(x|z) for log m and zero logits, [samples, batch, 2 (or 3), *data_shape]."""
        log_m, zero_logits, *rest = parameters.unbind(2)
        features = _Features(log_m, zero_logits, self.theta(rest))
        return Independent(features, log_m.dim() - 2, validate_args=False)

    @property
    def belief(self) -> str:
        """What this likelihood takes the data to be."""
        return f"negative binomial with extra zeros: counts, their {self.words}"

    def output_at(self, mean: Float[Tensor, " *event"]) -> Float[Tensor, "*output"]:
        """Return the output at which few zeros are extra ones, and the theta to begin with."""
        zero_logits = torch.full_like(mean, FEW)
        log_m = log_mean(mean) + F.softplus(zero_logits)  # log m - log(1 - w)
        rho = self.theta.initial.to(mean).expand_as(mean)
        return torch.stack((log_m, zero_logits, rho)[: 2 + self.theta.maps])
