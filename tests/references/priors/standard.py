"""Standard Gaussian, from scipy."""

import numpy as np
from scipy import stats

from tests.references.rows import PriorRow

ROWS = {
    "standard": PriorRow(
        log_density=stats.multivariate_normal(np.zeros(3), np.eye(3)).logpdf,
        mean=np.zeros(3),
        variance=np.ones(3),
    ),
}
