"""Beta-binomial, from scipy."""

import numpy as np
from scipy import stats
from scipy.special import expit

from tests.references.rows import LikelihoodRow

TOTAL = 7


def _at(a):
    logits, rho = np.moveaxis(a, -4 if a.ndim > 3 else 0, 0)
    c = np.exp(rho)
    return stats.betabinom(TOTAL, c * expit(logits), c * expit(-logits))


ROWS = {
    f"beta_binomial:total={TOTAL}": LikelihoodRow(
        log_density=lambda x, a: _at(a).logpmf(x),
        mean=lambda a: _at(a).mean(),
        variance=lambda a: _at(a).var(),
    ),
}
