"""Concrete distribution of equal weights, one group of three categories."""

import numpy as np

from tests.references.relaxed import concrete_log_density, concrete_moments
from tests.references.rows import PriorRow

ROWS = {
    "relaxed_uniform:categories=3,temperature=0.7": PriorRow(
        log_density=lambda z: concrete_log_density(z, np.zeros(3), 0.7),
        mean=np.full(3, 1 / 3),
        variance=concrete_moments(np.zeros(3), 0.7)[1],
    ),
}
