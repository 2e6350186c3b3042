"""A point: it is its own mean, and has no density."""

import numpy as np

from tests.references.rows import PosteriorRow

ROWS = {
    "deterministic": PosteriorRow(
        log_density=lambda z, o: np.full(z.shape[:2], np.nan),
        mean=lambda o: o,
        variance=np.zeros_like,
    ),
}
