"""Beta, from mpmath."""

import mpmath

from tests.references.rows import LikelihoodRow, precise, split


# p(x) = x^(m k - 1) (1 - x)^((1 - m) k - 1) / B(m k, (1 - m) k)
# Ferrari & Cribari-Neto 2004, equation 4; k = 2 at c = 0, e^10 at infinity, and logistic between
def _parts(a, c):
    m = 1 / (1 + mpmath.exp(-a))
    return m, mpmath.exp(10) / (1 + (mpmath.exp(10) / 2 - 1) * mpmath.exp(-c))


def _log_density(x, a, c):
    m, k = _parts(a, c)
    powers = (m * k - 1) * mpmath.log(x) + ((1 - m) * k - 1) * mpmath.log(1 - x)
    gammas = mpmath.loggamma(m * k) + mpmath.loggamma((1 - m) * k) - mpmath.loggamma(k)
    return powers - gammas


# Var[x] = m (1 - m) / (1 + k)                       Ferrari & Cribari-Neto 2004, equation 3 below
def _variance(a, c):
    m, k = _parts(a, c)
    return m * (1 - m) / (1 + k)


ROWS = {
    "beta": LikelihoodRow(
        log_density=lambda x, o: precise(_log_density)(x, *split(o)),
        mean=lambda o: precise(lambda a, c: _parts(a, c)[0])(*split(o)),
        variance=lambda o: precise(_variance)(*split(o)),
    ),
}
