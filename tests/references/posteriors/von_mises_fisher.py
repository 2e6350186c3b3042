"""Von Mises-Fisher distribution, from scipy and mpmath."""

import mpmath
import numpy as np
from scipy import stats

from tests.references.rows import PosteriorRow, precise


def _parts(o):
    direction, kappa = o[:, :-1], 1 + np.log1p(np.exp(o[:, -1]))
    return direction / np.linalg.norm(direction, axis=1, keepdims=True), kappa


def _log_density(z, o):
    rows = [
        stats.vonmises_fisher(mu, kappa).logpdf(z[:, i])
        for i, (mu, kappa) in enumerate(zip(*_parts(o), strict=True))
    ]
    return np.stack(rows, 1)


_ratio = precise(lambda kappa: mpmath.besseli(1.5, kappa) / mpmath.besseli(0.5, kappa))


def _mean(o):
    mu, kappa = _parts(o)
    return _ratio(kappa)[:, None] * mu


def _variance(o):
    mu, kappa = _parts(o)
    along = 1 - 2 * _ratio(kappa) / kappa  # E (mu'z)^2
    across = _ratio(kappa) / kappa
    return across[:, None] * (1 - mu**2) + along[:, None] * mu**2 - _mean(o) ** 2


ROWS = {
    "von_mises_fisher": PosteriorRow(log_density=_log_density, mean=_mean, variance=_variance),
}
