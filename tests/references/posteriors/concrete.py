"""Concrete distribution, one group of three categories."""

import numpy as np

from tests.references.relaxed import concrete_log_density, concrete_moments
from tests.references.rows import PosteriorRow


def _row(t):
    return PosteriorRow(
        log_density=lambda z, o: concrete_log_density(z, o, t),
        mean=lambda o: np.stack([concrete_moments(each, t)[0] for each in o]),
        variance=lambda o: np.stack([concrete_moments(each, t)[1] for each in o]),
    )


ROWS = {"concrete:categories=3,temperature=0.7": _row(0.7), "concrete:categories=3": _row(0.5)}
