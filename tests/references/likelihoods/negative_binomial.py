"""Negative binomial of every dispersion, from scipy, by number of successes and probability."""

import numpy as np
from scipy import stats

from tests.references.rows import LikelihoodRow

RHO = 0.3


def counts(a, rho):
    """The scipy distribution of mean e^a and theta = e^rho."""
    theta = np.exp(rho)
    return stats.nbinom(theta, theta / (theta + np.exp(a)))


def _learned(a):
    return counts(a, RHO)


def _predicted(a):
    at = np.moveaxis(a, -4 if a.ndim > 3 else 0, 0)
    return counts(at[0], at[1])


def _row(of, state) -> LikelihoodRow:
    return LikelihoodRow(
        log_density=lambda x, a: of(a).logpmf(x),
        mean=lambda a: of(a).mean(),
        variance=lambda a: of(a).var(),
        state=state,
    )


ROWS = {
    "negative_binomial": _row(_learned, {"theta.rho": RHO}),
    "negative_binomial:dispersion=shared": _row(_learned, {"theta.rho": RHO}),
    "negative_binomial:dispersion=predicted": _row(_predicted, {}),
}
