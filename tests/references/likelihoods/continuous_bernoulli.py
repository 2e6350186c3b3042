"""Continuous Bernoulli, from mpmath."""

import mpmath

from tests.references.rows import LikelihoodRow, precise


# p(x; l) = C(l) l^x (1 - l)^(1 - x), C(l) = 2 atanh(1 - 2l) / (1 - 2l), C(1/2) = 2
# Loaiza-Ganem & Cunningham 2019, equations 5 and 6
def _cb_log_density(x, a):
    lam = 1 / (1 + mpmath.exp(-a))
    c = mpmath.mpf(2) if a == 0 else 2 * mpmath.atanh(1 - 2 * lam) / (1 - 2 * lam)
    return mpmath.log(c) + x * mpmath.log(lam) + (1 - x) * mpmath.log(1 - lam)


# E[x] = l / (2l - 1) + 1 / (2 atanh(1 - 2l)), 1/2 at l = 1/2                        equation 8
def _cb_mean(a):
    if a == 0:
        return mpmath.mpf(1) / 2
    lam = 1 / (1 + mpmath.exp(-a))
    return lam / (2 * lam - 1) + 1 / (2 * mpmath.atanh(1 - 2 * lam))


# Var[x] = l (l - 1) / (1 - 2l)^2 + 1 / (2 atanh(1 - 2l))^2, 1/12 at l = 1/2            equation 9
def _cb_variance(a):
    if a == 0:
        return mpmath.mpf(1) / 12
    lam = 1 / (1 + mpmath.exp(-a))
    return lam * (lam - 1) / (1 - 2 * lam) ** 2 + 1 / (2 * mpmath.atanh(1 - 2 * lam)) ** 2


ROWS = {
    "continuous_bernoulli": LikelihoodRow(
        log_density=precise(_cb_log_density),
        mean=precise(_cb_mean),
        variance=precise(_cb_variance),
    ),
}
