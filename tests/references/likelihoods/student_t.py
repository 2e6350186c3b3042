"""Student's t, from scipy."""

import numpy as np
from scipy import stats

from tests.references.rows import LikelihoodRow

LEARNED = np.exp(-6 + np.log1p(np.exp(0.2 + 6)))
ARGUMENTS = {  # (nu, s, the numbers that make it so)
    "student_t:dof=6.0,scale=0.3": (6.0, 0.3, {}),
    "student_t:dof=1.5,scale=0.3": (1.5, 0.3, {}),  # an infinite variance
    "student_t:dof=300.0,scale=2.0": (300.0, 2.0, {}),
    "student_t": (2 + np.log1p(np.exp(3.5)), LEARNED, {"noise.rho": 0.2, "degrees.rho": 3.5}),
}


def _student_t(nu, s, state) -> LikelihoodRow:
    return LikelihoodRow(
        log_density=lambda x, a: stats.t.logpdf(x, nu, a, s),
        mean=lambda a: a,
        variance=lambda a: np.full_like(a, stats.t.var(nu, scale=s)),
        state=state,
    )


ROWS = {text: _student_t(*row) for text, row in ARGUMENTS.items()}
