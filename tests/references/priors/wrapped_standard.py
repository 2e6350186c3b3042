"""Wrapped normal distribution at the origin, from the paper's own formulas."""

import numpy as np

from tests.references.ball import wrapped_log_density, wrapped_moments
from tests.references.rows import PriorRow


def _row(scale, c):
    return PriorRow(
        log_density=lambda z: wrapped_log_density(z, np.zeros(3), scale, c),
        mean=np.zeros(3),
        variance=wrapped_moments(np.zeros(3), scale, c)[1],
    )


ROWS = {
    "wrapped_standard": _row(1.0, 1.0),
    "wrapped_standard:scale=0.7,curvature=0.5": _row(0.7, 0.5),
}
