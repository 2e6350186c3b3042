"""Binary Concrete distribution of one weight, its moments by quadrature."""

import numpy as np

from tests.references.relaxed import bit_log_density, bit_moment
from tests.references.rows import PriorRow


def _row(probability, t):
    logit = np.log(probability / (1 - probability))
    mean = bit_moment(1, logit, t)
    return PriorRow(
        log_density=lambda z: bit_log_density(z, logit, t).sum(-1),
        mean=np.full(3, mean),
        variance=np.full(3, bit_moment(2, logit, t) - mean**2),
    )


ROWS = {
    "relaxed_coin": _row(0.5, 0.5),
    "relaxed_coin:probability=0.3,temperature=0.8": _row(0.3, 0.8),
}
