"""Bernoulli, from scipy."""

from scipy import stats
from scipy.special import expit

from tests.references.rows import LikelihoodRow

ROWS = {
    "bernoulli": LikelihoodRow(
        log_density=lambda x, a: stats.bernoulli.logpmf(x, expit(a)),
        mean=lambda a: stats.bernoulli.mean(expit(a)),
        variance=lambda a: stats.bernoulli.var(expit(a)),
    ),
}
