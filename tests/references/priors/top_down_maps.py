"""Two levels of maps, by numpy."""

import numpy as np

from tests.references.filled import fill, moments
from tests.references.rows import PriorRow
from tests.references.top_down_maps import log_density, push

STATED = {n: m(np.zeros(1))[0] for n, m in moments(lambda u, _: push(u)).items()}

ROWS = {
    "top_down_maps:levels=((1,1,1),(1,1,2)),hidden=2": PriorRow(
        log_density=log_density, weights=fill, **STATED
    ),
}
