"""Gaussian of full covariance, from scipy; its KL from the formula for matrices."""

import numpy as np
from scipy import stats

from tests.references.rows import PosteriorRow


def _covariance(o):
    sigma, factor = np.exp(o[3:6] / 2), np.eye(3)
    factor[1, 0], factor[2, 0], factor[2, 1] = o[6:] / 3
    factor = sigma[:, None] * factor
    return factor @ factor.T


def _log_density(z, o):
    each = [stats.multivariate_normal(row[:3], _covariance(row)) for row in o]
    return np.stack([q.logpdf(z[:, n]) for n, q in enumerate(each)], axis=1)


def _kl(o):
    c = _covariance(o)
    return 0.5 * (np.trace(c) + o[:3] @ o[:3] - 3 - np.linalg.slogdet(c)[1])


ROWS = {
    "full_covariance": PosteriorRow(
        log_density=_log_density,
        mean=lambda o: o[:, :3],
        variance=lambda o: np.stack([np.diag(_covariance(row)) for row in o]),
        kl=lambda o: np.array([_kl(row) for row in o]),
    ),
}
