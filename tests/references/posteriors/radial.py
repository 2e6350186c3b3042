"""Radial flow of two layers, from the paper's formulas; inverted by scipy's root finder."""

import numpy as np
from scipy import optimize, stats

from tests.references.filled import moments
from tests.references.rows import PosteriorRow

SMALLEST = 1e-3


def _layers(o):
    for row in (o[6:11], o[11:16]):
        alpha, total = SMALLEST + np.log1p(np.exp(row[3:]))
        yield row[:3], alpha, total - alpha


def _push(z, o):
    z = o[:, :3] + np.exp(o[:, 3:6] / 2) * z
    moved = []
    for n, row in enumerate(o):
        each = z[:, n]
        for centre, alpha, beta in _layers(row):
            r = np.linalg.norm(each - centre, axis=-1, keepdims=True)
            each = each + beta / (alpha + r) * (each - centre)
        moved.append(each)
    return np.stack(moved, axis=1)


def _one(z, o):
    log_det = 0.0
    for centre, alpha, beta in reversed(list(_layers(o))):
        far = np.linalg.norm(z - centre)

        def off(r, alpha=alpha, beta=beta, far=far):
            return r * (1 + beta / (alpha + r)) - far

        r = optimize.brentq(off, 0.0, far + abs(beta) + 1, xtol=1e-14, rtol=1e-14)
        h, slope = 1 / (alpha + r), -1 / (alpha + r) ** 2
        z = centre + (z - centre) / (1 + beta * h)
        log_det += 2 * np.log(1 + beta * h) + np.log(1 + beta * h + beta * slope * r)
    return stats.norm.logpdf(z, o[:3], np.exp(o[3:6] / 2)).sum() - log_det


ROWS = {
    "radial:layers=2": PosteriorRow(
        log_density=np.vectorize(_one, signature="(k),(p)->()"),
        **moments(_push),
    ),
}
