"""The Concrete distributions, written from Maddison et al. 2017, equations 10 and 24."""

import math

import numpy as np
from scipy import integrate, special, stats


def concrete_log_density(z, logits, t):
    """One group of n categories."""
    n, a = logits.shape[-1], np.exp(logits)
    top = np.log(a * z ** (-t - 1)).sum(-1)
    return math.log(math.factorial(n - 1) * t ** (n - 1)) + top - n * np.log((a * z**-t).sum(-1))


def concrete_moments(logits, t):
    """Of three categories, on the plane of which softmax makes the triangle."""
    s = np.linspace(-40, 40, 641)
    plane = np.stack([*np.meshgrid(s, s, indexing="ij"), np.zeros((641, 641))], -1)
    z = special.softmax(plane, -1)
    mass = np.exp(concrete_log_density(z, logits, t)) * z.prod(-1) * (s[1] - s[0]) ** 2
    mean = (mass[..., None] * z).sum((0, 1))
    return mean, (mass[..., None] * (z - mean) ** 2).sum((0, 1))


def bit_log_density(z, logits, t):
    a = np.exp(logits)
    top = t * a * z ** (-t - 1) * (1 - z) ** (-t - 1)
    return np.log(top / (a * z**-t + (1 - z) ** -t) ** 2)


def bit_moment(power, logit, t):
    def weighted(noise):
        return stats.logistic.pdf(noise) * special.expit((logit + noise) / t) ** power

    return integrate.quad(weighted, -40, 40, epsabs=1e-13, limit=400, points=[-logit, 0.0])[0]
