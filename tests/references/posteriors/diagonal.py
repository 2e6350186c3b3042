"""Diagonal Gaussian, from scipy."""

import numpy as np
from scipy import integrate, stats

from tests.references.rows import PosteriorRow


def _gaussian_kl(mu, logvar):
    sigma = np.exp(logvar / 2)
    z = mu + sigma * np.linspace(-12, 12, 4001)  # trapezoids: exact to rounding for a Gaussian
    log_q, log_p = stats.norm.logpdf(z, mu, sigma), stats.norm.logpdf(z)
    return integrate.trapezoid(np.exp(log_q) * (log_q - log_p), z)


ROWS = {
    "diagonal": PosteriorRow(
        log_density=lambda z, o: stats.norm.logpdf(z, o[:, 0], np.exp(o[:, 1] / 2)).sum(-1),
        mean=lambda o: o[:, 0],
        variance=lambda o: np.exp(o[:, 1]),
        kl=lambda o: np.vectorize(_gaussian_kl)(o[:, 0], o[:, 1]),
    ),
}
