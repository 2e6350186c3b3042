"""One independent row a component: scipy, mpmath and quadrature in float64, never nelbo itself.

Rows are keyed by a component's text. A registered component without a row, an argument that no
row sets, and a Gaussian link or scale without a reference fail `test_conformance.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import mpmath
import numpy as np
from numpy.typing import NDArray
from scipy import integrate, stats
from scipy.special import expit

from nelbo.likelihoods.gaussian import LINKS
from nelbo.likelihoods.scale import SCALES

Array = NDArray[np.float64]


@dataclass(frozen=True)
class LikelihoodRow:
    """log p(x|z), mean and variance per feature, of the decoder's output."""

    log_density: Callable[[Array, Array], Array]
    mean: Callable[[Array], Array]
    variance: Callable[[Array], Array]
    state: dict[str, float] = field(default_factory=dict)  # learned numbers, set beforehand


def _precise(function):
    """Apply a function of mpmath numbers to arrays, in 50 digits."""

    def at(*values):
        with mpmath.workdps(50):
            return float(function(*(mpmath.mpf(float(v)) for v in values)))

    return np.vectorize(at, otypes=[np.float64])


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


MEANS = {"identity": lambda a: a, "logit": expit}
SIGMAS = {  # scale: (sigma, the numbers that make it so)
    "variance=0.3": (0.3**0.5, {}),
    "sigma=learned": (np.exp(-6 + np.log1p(np.exp(0.4 + 6))), {"scale.rho": 0.4}),
    "sigma=optimal": (0.7**0.5, {"scale.variance": 0.7}),
}


def _gaussian(link: str, scale: str) -> LikelihoodRow:
    mean, (sigma, state) = MEANS[link], SIGMAS[scale]
    return LikelihoodRow(
        log_density=lambda x, a: stats.norm.logpdf(x, mean(a), sigma),
        mean=mean,
        variance=lambda a: np.full_like(a, sigma**2),
        state=state,
    )


LIKELIHOODS = {
    "bernoulli": LikelihoodRow(
        log_density=lambda x, a: stats.bernoulli.logpmf(x, expit(a)),
        mean=lambda a: stats.bernoulli.mean(expit(a)),
        variance=lambda a: stats.bernoulli.var(expit(a)),
    ),
    "continuous_bernoulli": LikelihoodRow(
        log_density=_precise(_cb_log_density),
        mean=_precise(_cb_mean),
        variance=_precise(_cb_variance),
    ),
    **{
        f"gaussian:{scale},link={link}": _gaussian(link, scale)
        for scale in ("variance=0.3", *(f"sigma={name}" for name in SCALES))
        for link in LINKS
    },
}


@dataclass(frozen=True)
class PosteriorRow:
    """log q(z|x) per example, its moments, and KL(q || N(0, I)) per latent, of the parameters."""

    log_density: Callable[[Array, Array], Array]
    mean: Callable[[Array], Array]
    variance: Callable[[Array], Array]
    kl: Callable[[Array], Array]


def _gaussian_kl(mu, logvar):
    sigma = np.exp(logvar / 2)
    z = mu + sigma * np.linspace(-12, 12, 4001)  # trapezoids: exact to rounding for a Gaussian
    log_q, log_p = stats.norm.logpdf(z, mu, sigma), stats.norm.logpdf(z)
    return integrate.trapezoid(np.exp(log_q) * (log_q - log_p), z)


POSTERIORS = {
    "diagonal": PosteriorRow(
        log_density=lambda z, o: stats.norm.logpdf(z, o[:, 0], np.exp(o[:, 1] / 2)).sum(-1),
        mean=lambda o: o[:, 0],
        variance=lambda o: np.exp(o[:, 1]),
        kl=lambda o: np.vectorize(_gaussian_kl)(o[:, 0], o[:, 1]),
    ),
}


@dataclass(frozen=True)
class PriorRow:
    """log p(z) per example and its moments, for three latents."""

    log_density: Callable[[Array], Array]
    mean: Array
    variance: Array


PRIORS = {
    "standard": PriorRow(
        log_density=stats.multivariate_normal(np.zeros(3), np.eye(3)).logpdf,
        mean=np.zeros(3),
        variance=np.ones(3),
    ),
}


@dataclass(frozen=True)
class ObjectiveRow:
    """The objective of each example, of log p(x|z) [samples, batch] and KL [batch], at a step."""

    value: Callable[[Array, Array], Array]
    step: int = 0


OBJECTIVES = {
    "elbo": ObjectiveRow(lambda log_px, kl: log_px.mean(0) - kl),
    "elbo:beta=4": ObjectiveRow(lambda log_px, kl: log_px.mean(0) - 4 * kl),
    "elbo:beta=linear(steps=10)": ObjectiveRow(
        lambda log_px, kl: log_px.mean(0) - 0.3 * kl, step=3
    ),
}

SCHEDULES = {  # text: {step: value}
    "constant:value=0.25": {0: 0.25, 7: 0.25, 10**9: 0.25},
    "linear:steps=10,start=0.5,end=4": {0: 0.5, 1: 0.85, 5: 2.25, 10: 4.0, 11: 4.0, 10**9: 4.0},
    "cyclical:steps=8,rise=0.25,start=2,end=1": {
        0: 2.0, 1: 1.5, 2: 1.0, 3: 1.0, 7: 1.0, 8: 2.0, 9: 1.5, 8000: 2.0, 8003: 1.0,
    },
}  # fmt: skip

NETWORKS = {  # text: numbers in (encoder, decoder) from 6 features to 2 x 3, and from 3 to 6
    "mlp:hidden=(),activation=tanh": (6 * 6 + 6, 3 * 6 + 6),
    "mlp:hidden=(5,4),activation=relu": (
        (6 * 5 + 5) + (5 * 4 + 4) + (4 * 6 + 6),
        (3 * 4 + 4) + (4 * 5 + 5) + (5 * 6 + 6),
    ),
}

ROWS = {
    "likelihood": LIKELIHOODS,
    "posterior": POSTERIORS,
    "prior": PRIORS,
    "objective": OBJECTIVES,
    "schedule": SCHEDULES,
    "network": NETWORKS,
}
