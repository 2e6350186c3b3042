"""The largest log-likelihood that a family of masses gives to each column of integers by itself."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from jaxtyping import Float64
from torch import Tensor

from nelbo.doctor.suggest.densities import Each, Values, normal

Profile = Callable[[Each], Each]

COARSE = torch.logspace(-2, 4, 25, dtype=torch.float64)
FINE = torch.logspace(-0.25, 0.25, 11, dtype=torch.float64)  # about the best of the coarse ones
HALVINGS = 50
WIDE = 2.0  # deviations from which a density at unit steps is a mass


def rare(x: Values) -> Each:
    """Return that of the Poisson distribution."""
    mean = x.mean(0)
    return (torch.xlogy(x, mean) - mean - torch.lgamma(x + 1)).sum(0)


def spread(x: Values) -> Each:
    """Return that of the negative binomial: its mean is the data's, its dispersion profiled."""
    mean = x.mean(0)
    return _profiled(lambda r: _negative_binomial(x, mean, r).sum(0), x)


# of P(0) = pi + (1 - pi) p0 the maximum gives the zeros their share where that is above p0, and the
# rest is the truncated distribution, whose mean mu / (1 - p0) is that of the data above 0
def with_zeros(x: Values) -> Each:
    """Return that of the zero-inflated negative binomial, from its truncated part."""
    above = x > 0
    count = above.sum(0).double()
    mean = x.sum(0) / count.clamp_min(1.0)
    share = count / len(x)
    part = torch.xlogy(count, share) + torch.xlogy(len(x) - count, 1 - share)

    def profile(r: Each) -> Each:
        mu = _untruncated(mean, r)
        none = -r * torch.log1p(mu / r)
        seen = torch.where(above, _negative_binomial(x, mu, r), 0.0).sum(0)
        found = part + seen - count * torch.log(-torch.expm1(none))
        return torch.where(1 - share >= none.exp(), found, -math.inf)

    return torch.maximum(_profiled(profile, x), spread(x))


def capped(x: Values) -> Each:
    """Return that of the beta-binomial, of as many trials as the largest value of all."""
    trials = x.amax()
    mean = (x.mean(0) / trials).clamp(1e-9, 1 - 1e-9)
    ways = torch.lgamma(trials + 1) - torch.lgamma(x + 1) - torch.lgamma(trials - x + 1)

    def log_beta(a: Tensor, b: Tensor) -> Tensor:
        return torch.lgamma(a) + torch.lgamma(b) - torch.lgamma(a + b)

    def profile(both: Each) -> Each:
        a, b = mean * both, (1 - mean) * both
        return (ways + log_beta(x + a, trials - x + b) - log_beta(a, b)).sum(0)

    return _profiled(profile, x)


def free(x: Values) -> Each:
    """Return that of a categorical distribution: every value at its own frequency."""
    found = torch.zeros(x.shape[1], dtype=torch.float64)
    for level in x.unique():
        count = (x == level).sum(0).double()
        found += torch.xlogy(count, count / len(x))
    return found


def rounded(x: Values) -> Each:
    """Return that of a normal density at unit steps; none where these are no small steps."""
    return torch.where(x.std(0) > WIDE, normal(x), -math.inf)


def _negative_binomial(x: Values, mean: Each, r: Each) -> Values:
    ways = torch.lgamma(x + r) - torch.lgamma(r) - torch.lgamma(x + 1)
    return ways - r * torch.log1p(mean / r) + torch.xlogy(x, mean / (mean + r))


def _untruncated(mean: Each, r: Each) -> Each:
    """Return mu with mu / (1 - (1 + mu / r)^-r) = mean, by halving."""
    low, high = torch.zeros_like(mean), mean
    for _ in range(HALVINGS):
        mu = (low + high) / 2
        above = mu / -torch.expm1(-r * torch.log1p(mu / r)) > mean
        low, high = torch.where(above, low, mu), torch.where(above, mu, high)
    return ((low + high) / 2).clamp_min(1e-12)


def _profiled(profile: Profile, x: Float64[Tensor, "rows features"]) -> Each:
    """Return the largest value of each feature over one positive parameter."""
    columns = x.shape[1]
    coarse = torch.stack([profile(r.expand(columns)) for r in COARSE])
    best = COARSE[coarse.argmax(0)]
    fine = torch.stack([profile(best * factor) for factor in FINE])
    return torch.maximum(coarse.amax(0), fine.amax(0))
