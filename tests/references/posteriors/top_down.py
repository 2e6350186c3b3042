"""Posteriors that walk down the levels of a prior, by numpy, from the papers' formulas."""

import numpy as np

from tests.references.filled import fill, moments
from tests.references.rows import PosteriorRow
from tests.references.top_down import (
    FEATURES,
    LEVELS,
    bounded,
    gated_pair,
    log_density,
    pair_shapes,
    push,
    weights,
)

SHAPES = [shape for size in LEVELS for shape in pair_shapes(FEATURES, 2 * size)]
JOINTS = weights(SHAPES)


def ladder(o):
    """Sonderby et al. 2016: precisions add up, means are weighted by them."""
    means, logvars = (np.split(part, [LEVELS[0]], axis=-1) for part in (o[:, 0], o[:, 1]))

    def merge(level, state, prior):
        m, precision = means[level], np.exp(-bounded(logvars[level]))
        if level == 0:
            return m, -np.log(precision)
        mu_p, precision_p = prior[0], np.exp(-prior[1])
        total = precision + precision_p
        return (m * precision + mu_p * precision_p) / total, -np.log(total)

    return merge


def residual(o):
    """Vahdat & Kautz 2020: how far from the prior's mean, and how many times its deviation."""

    def merge(level, state, prior):
        change = gated_pair(state, o[:, level], *JOINTS[5 * level : 5 * level + 5])
        d_mu, d_logvar = np.split(change, 2, axis=-1)
        return prior[0] + d_mu, prior[1] + bounded(d_logvar)

    return merge


def _row(merge):
    return PosteriorRow(
        log_density=lambda z, o: log_density(z, merge(o)),
        weights=fill,
        prior="top_down:levels=(1,2),hidden=4",
        **moments(lambda u, o: push(np.broadcast_to(u, (len(u), len(o), 3)), merge(o))),
    )


ROWS = {
    "ladder:levels=(1,2)": _row(ladder),
    "residual_top_down:levels=(1,2),features=3": _row(residual),
}
