"""The uniform distribution on the sphere in three dimensions, of area 4 pi."""

import numpy as np

from tests.references.rows import PriorRow

ROWS = {
    "uniform_sphere": PriorRow(
        log_density=lambda z: np.full(z.shape[:2], -np.log(4 * np.pi)),
        mean=np.zeros(3),
        variance=np.full(3, 1 / 3),
    ),
}
