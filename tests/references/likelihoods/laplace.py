"""Laplace, from scipy."""

import numpy as np
from scipy import stats

from tests.references.rows import LikelihoodRow

SCALES = {  # argument: (b, the numbers that make it so)
    "laplace:scale=0.4": (0.4, {}),
    "laplace": (np.exp(-6 + np.log1p(np.exp(0.3 + 6))), {"noise.rho": 0.3}),
}


def _laplace(b, state) -> LikelihoodRow:
    return LikelihoodRow(
        log_density=lambda x, a: stats.laplace.logpdf(x, a, b),
        mean=lambda a: a,
        variance=lambda a: np.full_like(a, stats.laplace.var(scale=b)),
        state=state,
    )


ROWS = {text: _laplace(*row) for text, row in SCALES.items()}
