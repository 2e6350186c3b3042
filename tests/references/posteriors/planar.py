"""Planar flow of two layers, from the paper's formulas; inverted by scipy's root finder."""

import numpy as np
from scipy import optimize, stats

from tests.references.filled import moments
from tests.references.rows import PosteriorRow

FLATTEST = 1e-3


def _layers(o):
    for row in (o[6:13], o[13:20]):
        u, w, b = row[:3], row[3:6], row[6]
        slope = FLATTEST + np.log1p(np.exp(w @ u) * np.expm1(1 - FLATTEST))
        yield u + (slope - 1 - w @ u) * w / (w @ w), w, b


def _push(z, o):
    z = o[:, :3] + np.exp(o[:, 3:6] / 2) * z
    moved = []
    for n, row in enumerate(o):
        each = z[:, n]
        for u, w, b in _layers(row):
            each = each + u * np.tanh(each @ w + b)[:, None]
        moved.append(each)
    return np.stack(moved, axis=1)


def _one(z, o):
    log_det = 0.0
    for u, w, b in reversed(list(_layers(o))):
        reach = abs(w @ u) + 1.0

        def off(a, u=u, w=w, b=b, z=z):
            return a + (w @ u) * np.tanh(a + b) - w @ z

        a = optimize.brentq(off, w @ z - reach, w @ z + reach, xtol=1e-14, rtol=1e-14)
        z = z - u * np.tanh(a + b)
        log_det += np.log(abs(1 + u @ w * (1 - np.tanh(w @ z + b) ** 2)))
    return stats.norm.logpdf(z, o[:3], np.exp(o[3:6] / 2)).sum() - log_det


ROWS = {
    "planar:layers=2": PosteriorRow(
        log_density=np.vectorize(_one, signature="(k),(p)->()"),
        **moments(_push),
    ),
}
