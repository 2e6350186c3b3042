"""Beta-binomial likelihood, for counts out of a known total."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Beta, Distribution, Independent, constraints
from torch.types import _size

from nelbo.errors import BadValue
from nelbo.formulas import log_rising
from nelbo.likelihoods.base import Likelihood, Shape
from nelbo.likelihoods.counts import RAREST, STARTS, dispersion_of
from nelbo.registry import register

LEAST = 1e-30  # of a shape, in single precision just above 0


class _Features(Distribution):
    """A binomial per feature whose probability is beta distributed."""

    def __init__(self, total: int, logits: Tensor, rho: Tensor) -> None:
        self.total, self.logits, self.concentration = total, logits, dispersion_of(rho)
        self.a = (torch.sigmoid(logits) * self.concentration).clamp_min(LEAST)
        self.b = (torch.sigmoid(-logits) * self.concentration).clamp_min(LEAST)
        super().__init__(logits.shape, validate_args=False)

    @property
    def support(self) -> constraints.Constraint:
        return constraints.integer_interval(0, self.total)

    @property
    def mean(self) -> Tensor:
        return self.total * torch.sigmoid(self.logits)

    # Var = n p (1 - p) (n + c) / (1 + c)
    @property
    def variance(self) -> Tensor:
        binomial = self.mean * torch.sigmoid(-self.logits)
        return binomial * (self.total + self.concentration) / (1 + self.concentration)

    def log_prob(self, value: Tensor) -> Tensor:
        n, rest = torch.full_like(value, self.total), self.total - value
        ways = (n + 1).lgamma() - (value + 1).lgamma() - (rest + 1).lgamma()
        drawn = log_rising(self.a, value) + log_rising(self.b, rest)
        return ways + drawn - log_rising(self.a + self.b, n)

    def sample(self, sample_shape: _size = torch.Size()) -> Tensor:  # noqa: B008
        with torch.no_grad():
            p = Beta(self.a, self.b, validate_args=False).sample(sample_shape)
            return torch.binomial(torch.full_like(p, self.total), p)


# p(x|z) = prod_d C(n, x) B(x + p c, n - x + (1 - p) c) / B(p c, (1 - p) c)
#        = prod_d C(n, x) (p c)_x ((1 - p) c)_(n - x) / (c)_n,   (t)_x = t (t + 1) ... (t + x - 1)
@register("likelihood", "beta_binomial")
class BetaBinomial(Likelihood):
    """Every feature is a count out of n, of mean n p; trials are alike, and the more the less c.

    The decoder's output is [samples, batch, 2, *data_shape]: the logit of p, and the logarithm
    of the concentration c. With c = 2 and p = 1/2 all counts are equally likely; as c
    grows it becomes a binomial.

    Source: Skellam 1948, A probability distribution derived from the binomial distribution by
    regarding the probability of success as variable between the sets of trials.

    Args:
        total: n, the number of trials of every feature.

    Raises:
        ValueError: the total is no positive integer.

    Example:
        >>> px = BetaBinomial(total=10)(torch.zeros(1, 3, 2, 50))
        >>> px.mean[0, 0, 0].item()
        5.0

    """

    def __init__(self, total: int) -> None:
        super().__init__()
        if not isinstance(total, int) or total < 1:
            raise BadValue(
                "total", expected="a positive integer", got=total, fix="State the trials a feature."
            )
        self.total = total
        self._initial = torch.zeros(())
        self.support = self.domain = constraints.integer_interval(0, total)
        self.base_measure = f"mass on {{0..{total}}}^D"
        self.requirement = f"whole numbers from 0 to {total}"
        self.advice = (
            "State the number of trials as total=...; for counts without one use the likelihood "
            "'poisson'."
        )

    def parameter_shape(self, data_shape: Shape) -> Shape:
        """Return (2, *data_shape)."""
        return (2, *data_shape)

    def forward(self, parameters: Float[Tensor, "samples batch two *event"]) -> Distribution:
        """Return p(x|z) for logits and concentrations, [samples, batch, 2, *data_shape]."""
        logits, rho = parameters.unbind(2)
        features = _Features(self.total, logits, rho)
        return Independent(features, logits.dim() - 2, validate_args=False)

    @property
    def belief(self) -> str:
        """What this likelihood takes the data to be."""
        return f"beta-binomial: every feature is a count out of {self.total}"

    # n p (1 - p) (n + c) / (1 + c) is the variance
    def start(self, mean: Float[Tensor, " *event"], variance: Float[Tensor, " *event"]) -> None:
        """Have the decoder begin at the concentration of the data's own moments."""
        ratio = variance / (mean * (1 - mean / self.total)).clamp_min(RAREST)
        c = (self.total - ratio).clamp_min(0.0) / (ratio - 1).clamp_min(RAREST)
        self._initial = torch.log(c.clamp(*STARTS))

    def output_at(self, mean: Float[Tensor, " *event"]) -> Float[Tensor, "*output"]:
        """Return the logit of m / n, and log c to begin with, 0 until the data's is known."""
        logits = torch.logit(mean / self.total, eps=RAREST)
        return torch.stack((logits, self._initial.to(logits).expand_as(logits)))
