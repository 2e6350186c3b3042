"""Wrapped normal distribution, from the paper's own formulas."""

import numpy as np

from tests.references.ball import at_origin, wrapped_log_density, wrapped_moments
from tests.references.rows import PosteriorRow


def _row(c):
    def parts(o):
        return at_origin(o[:, 0], c), np.exp(o[:, 1] / 2)

    def moments(o):
        return zip(
            *(wrapped_moments(*each, c) for each in zip(*parts(o), strict=True)), strict=True
        )

    return PosteriorRow(
        log_density=lambda z, o: wrapped_log_density(z, *parts(o), c),
        mean=lambda o: np.stack(list(moments(o))[0]),
        variance=lambda o: np.stack(list(moments(o))[1]),
    )


ROWS = {"wrapped_normal": _row(1.0), "wrapped_normal:curvature=0.5": _row(0.5)}
