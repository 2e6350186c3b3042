"""Mixtures of Gaussians, from scipy."""

import numpy as np
from scipy import special, stats

from tests.references.filled import fill, values
from tests.references.rows import PriorRow


def _row(weights, mean, sigma):
    def log_density(z):
        each = stats.norm.logpdf(z[..., None, :], mean, sigma).sum(-1)
        return special.logsumexp(each, axis=-1, b=weights)

    centre = weights @ mean
    variance = weights @ (sigma**2 + mean**2) - centre**2
    return PriorRow(log_density=log_density, mean=centre, variance=variance, weights=fill)


_PSEUDO = values(0, 3, 4) @ np.cos(np.arange(24.0)).reshape(4, 6)  # the model of nelbo.testing

ROWS = {
    "mixture:components=3": _row(
        special.softmax(values(0, 3)), values(1, 3, 3), np.exp(values(2, 3, 3) / 2)
    ),
    "vamp:components=3": _row(np.full(3, 1 / 3), _PSEUDO[:, :3], np.exp(_PSEUDO[:, 3:] / 2)),
}
