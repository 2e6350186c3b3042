"""Logistic, from scipy."""

import numpy as np
from scipy import stats

from tests.references.rows import LikelihoodRow

SCALES = {  # argument: (s, the numbers that make it so)
    "logistic:scale=0.25": (0.25, {}),
    "logistic": (np.exp(-6 + np.log1p(np.exp(0.2 + 6))), {"noise.rho": 0.2}),
}


def _logistic(s, state) -> LikelihoodRow:
    return LikelihoodRow(
        log_density=lambda x, a: stats.logistic.logpdf(x, a, s),
        mean=lambda a: a,
        variance=lambda a: np.full_like(a, stats.logistic.var(scale=s)),
        state=state,
    )


ROWS = {text: _logistic(*row) for text, row in SCALES.items()}
