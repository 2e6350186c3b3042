"""The Gaussian of predicted variance, from scipy."""

import numpy as np
from scipy import stats

from tests.references.rows import LikelihoodRow, split


def _row(floor: float) -> LikelihoodRow:
    def sigma(outputs):
        return np.exp(floor + np.log1p(np.exp(split(outputs)[1] / 2 - floor)))

    return LikelihoodRow(
        log_density=lambda x, o: stats.norm.logpdf(x, split(o)[0], sigma(o)),
        mean=lambda o: split(o)[0],
        variance=lambda o: sigma(o) ** 2,
    )


ROWS = {
    "heteroscedastic": _row(-6.0),
    "heteroscedastic:floor=-2.0,beta=0.5": _row(-2.0),  # in evaluation beta changes nothing
}
