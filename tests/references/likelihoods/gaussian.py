"""Gaussian of every scale and link, from scipy."""

import numpy as np
from scipy import stats
from scipy.special import expit

from nelbo.likelihoods.gaussian import LINKS
from nelbo.likelihoods.scale import SCALES
from tests.references.rows import LikelihoodRow

MEANS = {"identity": lambda a: a, "logit": expit}
SIGMAS = {  # scale: (sigma, the numbers that make it so)
    "variance=0.3": (0.3**0.5, {}),
    "sigma=learned": (np.exp(-6 + np.log1p(np.exp(0.4 + 6))), {"scale.rho": 0.4}),
    "sigma=per_feature": (np.exp(-6 + np.log1p(np.exp(-0.7 + 6))), {"scale.rho": -0.7}),
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


ROWS = {
    f"gaussian:{scale},link={link}": _gaussian(link, scale)
    for scale in ("variance=0.3", *(f"sigma={name}" for name in SCALES))
    for link in LINKS
}
