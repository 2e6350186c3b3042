"""Binary Concrete distribution, its moments by quadrature."""

import numpy as np

from tests.references.relaxed import bit_log_density, bit_moment
from tests.references.rows import PosteriorRow


def _row(t):
    def moment(power, o):
        return np.vectorize(lambda logit: bit_moment(power, logit, t))(o)

    return PosteriorRow(
        log_density=lambda z, o: bit_log_density(z, o, t).sum(-1),
        mean=lambda o: moment(1, o),
        variance=lambda o: moment(2, o) - moment(1, o) ** 2,
    )


ROWS = {"relaxed_bernoulli": _row(0.5), "relaxed_bernoulli:temperature=0.8": _row(0.8)}
