"""Zero-inflated negative binomial, a mixture of scipy's and of an atom at 0."""

import numpy as np
from scipy import stats
from scipy.special import expit

from tests.references.likelihoods.negative_binomial import RHO, counts
from tests.references.rows import LikelihoodRow


def _parts(a):
    maps = np.moveaxis(a, -4 if a.ndim > 3 else 0, 0)
    return expit(maps[1]), counts(maps[0], maps[2] if len(maps) > 2 else RHO)


def _log_density(x, a):
    zero, at = _parts(a)
    return np.log(zero * stats.randint(0, 1).pmf(x) + (1 - zero) * at.pmf(x))


def _mean(a):
    zero, at = _parts(a)
    return (1 - zero) * at.mean()


def _variance(a):
    zero, at = _parts(a)
    return (1 - zero) * (at.var() + at.mean() ** 2) - ((1 - zero) * at.mean()) ** 2


ROWS = {
    f"zero_inflated_negative_binomial{dispersion}": LikelihoodRow(
        log_density=_log_density, mean=_mean, variance=_variance, state=state
    )
    for dispersion, state in (
        ("", {"theta.rho": RHO}),
        (":dispersion=predicted", {}),
    )
}
