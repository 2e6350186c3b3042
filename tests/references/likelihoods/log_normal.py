"""Log-normal, from scipy."""

import numpy as np
from scipy import stats

from tests.references.rows import LikelihoodRow

SCALES = {  # argument: (s, the numbers that make it so)
    "log_normal:scale=0.5": (0.5, {}),
    "log_normal": (np.exp(-6 + np.log1p(np.exp(-1.2 + 6))), {"noise.rho": -1.2}),
}


def _log_normal(s, state) -> LikelihoodRow:
    return LikelihoodRow(
        log_density=lambda x, a: stats.lognorm.logpdf(x, s, scale=np.exp(a)),
        mean=lambda a: stats.lognorm.mean(s, scale=np.exp(a)),
        variance=lambda a: stats.lognorm.var(s, scale=np.exp(a)),
        state=state,
    )


ROWS = {text: _log_normal(*row) for text, row in SCALES.items()}
