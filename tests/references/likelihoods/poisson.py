"""Poisson, from scipy."""

import numpy as np
from scipy import stats

from tests.references.rows import LikelihoodRow

ROWS = {
    "poisson": LikelihoodRow(
        log_density=lambda x, a: stats.poisson.logpmf(x, np.exp(a)),
        mean=np.exp,
        variance=np.exp,
    ),
}
