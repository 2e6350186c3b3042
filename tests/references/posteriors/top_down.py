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
    residual,
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


def features(o):
    """Return what each level makes of the state and the encoder's outputs."""

    def change(level, state):
        joined = gated_pair(state, o[:, level], *JOINTS[5 * level :][:5])
        return np.split(joined, 2, axis=-1)

    return residual(change)


def _row(merge):
    return PosteriorRow(
        log_density=lambda z, o: log_density(z, merge(o)),
        weights=fill,
        prior="top_down:levels=(1,2),hidden=4",
        **moments(lambda u, o: push(np.broadcast_to(u, (len(u), len(o), 3)), merge(o))),
    )


ROWS = {
    "ladder:levels=(1,2)": _row(ladder),
    "residual_top_down:levels=(1,2),features=3": _row(features),
}
