"""The residual posterior of two levels of maps, by numpy, from the paper's formulas."""

import numpy as np

from tests.references.filled import fill, moments
from tests.references.rows import PosteriorRow
from tests.references.top_down import residual, weights
from tests.references.top_down_maps import (
    FEATURES,
    gated,
    gated_shapes,
    halves,
    log_density,
    push,
)

JOINTS = weights(2 * gated_shapes(FEATURES, 2))


def merge(o):
    """Return q(z_l | z_<l, x) for outputs [batch, features, 3]: one map of 1, one of 1 x 2."""
    maps = [part[..., None, :] for part in np.split(o, [1], axis=-1)]
    return residual(lambda level, h: halves(gated(h, maps[level], *JOINTS[5 * level :][:5])))


ROWS = {
    "residual_maps:levels=((1,1,1),(1,1,2)),features=2": PosteriorRow(
        log_density=lambda z, o: log_density(z, merge(o)),
        weights=fill,
        prior="top_down_maps:levels=((1,1,1),(1,1,2)),hidden=2",
        **moments(lambda u, o: push(np.broadcast_to(u, (len(u), len(o), 3)), merge(o))),
    ),
}
