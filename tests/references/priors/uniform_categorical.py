"""One of three categories, all alike."""

import numpy as np

from tests.references.rows import PriorRow

ROWS = {
    "uniform_categorical:categories=3": PriorRow(
        log_density=lambda z: np.full(z.shape[:-1], -np.log(3)),
        mean=np.full(3, 1 / 3),
        variance=np.full(3, 2 / 9),
    ),
}
