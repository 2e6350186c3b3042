"""One-hot rows along the last axis, from scipy's multinomial of one trial."""

import numpy as np
from scipy import stats
from scipy.special import softmax

from tests.references.rows import LikelihoodRow


def _log_density(x, a):
    rows = stats.multinomial.logpmf(x, 1, softmax(a, -1))
    return rows[..., None] * np.array([1.0] + [0.0] * (x.shape[-1] - 1))  # a row's in one place


ROWS = {
    "one_hot": LikelihoodRow(
        log_density=_log_density,
        mean=lambda a: softmax(a, -1),
        variance=lambda a: softmax(a, -1) * (1 - softmax(a, -1)),
    ),
}
