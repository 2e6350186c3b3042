"""Discretised logistic: masses from mpmath in 50 digits, moments by summing."""

import mpmath
import numpy as np

from tests.references.rows import LikelihoodRow, precise

FLOOR = -7 - np.log(2)


@precise
def log_mass(k, levels, location, rho):
    """Return log F(upper) - F(lower), in 50 digits, of the tails on the side where they are."""
    s = mpmath.exp(FLOOR + mpmath.log1p(mpmath.exp(rho - FLOOR)))
    upper = mpmath.inf if k == levels - 1 else ((k + 0.5) / (levels - 1) - location) / s
    lower = -mpmath.inf if k == 0 else ((k - 0.5) / (levels - 1) - location) / s
    if lower > 0:
        upper, lower = -lower, -upper
    return mpmath.log(_sigmoid(upper) - _sigmoid(lower))


def _sigmoid(y):
    return 1 / (1 + mpmath.exp(-y))


def masses(location, rho, levels):
    """Return the mass of every level, behind a last axis."""
    at = np.asarray(location)[..., None], np.asarray(rho)[..., None]
    return np.exp(log_mass(np.arange(levels), levels, *at))


def row(split, levels, state=None) -> LikelihoodRow:
    """Return the row of a decoder's output that `split` parts into locations and log scales."""
    values = np.arange(levels) / (levels - 1)

    def mean(a):
        return masses(*split(a), levels) @ values

    def variance(a):
        return (masses(*split(a), levels) * (values - mean(a)[..., None]) ** 2).sum(-1)

    return LikelihoodRow(
        log_density=lambda x, a: log_mass(np.rint(x * (levels - 1)), levels, *split(a)),
        mean=mean,
        variance=variance,
        state=state or {},
    )


def _predicted(a):
    location, rho = np.moveaxis(a, -4 if a.ndim > 3 else 0, 0)
    return location, rho


def _learned(rho):
    return lambda a: (a, rho)


ROWS = {
    "discretized_logistic": row(_predicted, 256),
    "discretized_logistic:levels=4,scale=predicted": row(_predicted, 4),
    "discretized_logistic:levels=16,scale=per_feature": row(
        _learned(-1.5), 16, {"log_scale.rho": -1.5}
    ),
    "discretized_logistic:scale=shared": row(_learned(-2.5), 256, {"log_scale.rho": -2.5}),
}
