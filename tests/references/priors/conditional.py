"""The Gaussian of the covariates, by numpy: y = (1, -1), as in the model of nelbo.testing."""

import numpy as np
from scipy import stats

from tests.references.filled import fill, values
from tests.references.rows import PriorRow

_HIDDEN = np.tanh(values(0, 5, 2) @ np.array([1.0, -1.0]) + values(1, 5))
_OUTPUT = values(2, 6, 5) @ _HIDDEN + values(3, 6)
_MEAN, _SIGMA = _OUTPUT[:3], np.exp(_OUTPUT[3:] / 2)

ROWS = {
    "conditional:hidden=(5,)": PriorRow(
        log_density=lambda z: stats.norm.logpdf(z, _MEAN, _SIGMA).sum(-1),
        mean=_MEAN,
        variance=_SIGMA**2,
        weights=fill,
    )
}
