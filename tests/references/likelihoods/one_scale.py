"""Laplace, logistic and log-normal, from scipy: one scale, stated or learned."""

import numpy as np
from scipy import stats

from tests.references.rows import LikelihoodRow


def _learned(rho):
    return np.exp(-6 + np.log1p(np.exp(rho + 6)))


def _location(family, scale, state) -> LikelihoodRow:
    return LikelihoodRow(
        log_density=lambda x, a: family.logpdf(x, a, scale),
        mean=lambda a: a,
        variance=lambda a: np.full_like(a, family.var(scale=scale)),
        state=state,
    )


def _log_normal(s, state) -> LikelihoodRow:
    return LikelihoodRow(
        log_density=lambda x, a: stats.lognorm.logpdf(x, s, scale=np.exp(a)),
        mean=lambda a: stats.lognorm.mean(s, scale=np.exp(a)),
        variance=lambda a: stats.lognorm.var(s, scale=np.exp(a)),
        state=state,
    )


ROWS = {
    "laplace:scale=0.4": _location(stats.laplace, 0.4, {}),
    "laplace": _location(stats.laplace, _learned(0.3), {"noise.rho": 0.3}),
    "logistic:scale=0.25": _location(stats.logistic, 0.25, {}),
    "logistic": _location(stats.logistic, _learned(0.2), {"noise.rho": 0.2}),
    "log_normal:scale=0.5": _log_normal(0.5, {}),
    "log_normal": _log_normal(_learned(-1.2), {"noise.rho": -1.2}),
}
