"""Riemannian normal distribution at the origin, from scipy's quadrature."""

import numpy as np

from tests.references.ball import riemannian_log_density, riemannian_variance
from tests.references.rows import PriorRow


def _row(scale, c):
    return PriorRow(
        log_density=lambda z: riemannian_log_density(z, scale, c),
        mean=np.zeros(3),
        variance=np.full(3, riemannian_variance(scale, c)),
    )


ROWS = {
    "riemannian_normal": _row(1.0, 1.0),
    "riemannian_normal:scale=0.7,curvature=0.5": _row(0.7, 0.5),
}
