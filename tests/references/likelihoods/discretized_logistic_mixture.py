"""Mixture of discretised logistics, from the masses of its components."""

import numpy as np
from scipy.special import log_softmax, logsumexp

from tests.references.likelihoods.discretized_logistic import log_mass, masses
from tests.references.rows import LikelihoodRow


def _row(count, levels) -> LikelihoodRow:
    values = np.arange(levels) / (levels - 1)

    def split(a):
        maps = np.moveaxis(a, -4 if a.ndim > 3 else 0, 0)
        return [np.moveaxis(part, 0, -1) for part in np.split(maps, 3)]

    def log_density(x, a):
        logits, location, rho = split(a)
        k = np.rint(x * (levels - 1))[..., None]
        inner = log_mass(k, levels, location, rho)
        return logsumexp(log_softmax(logits, -1) + inner, axis=-1)

    def mixed(a):
        logits, location, rho = split(a)
        weights = np.exp(log_softmax(logits, -1))[..., None]
        return (weights * masses(location, rho, levels)).sum(-2)

    def mean(a):
        return mixed(a) @ values

    def variance(a):
        return (mixed(a) * (values - mean(a)[..., None]) ** 2).sum(-1)

    return LikelihoodRow(log_density=log_density, mean=mean, variance=variance)


ROWS = {
    f"discretized_logistic_mixture:components={count},levels={levels}": _row(count, levels)
    for count, levels in ((3, 6), (2, 32))
}
