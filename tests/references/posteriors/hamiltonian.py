"""Leapfrogs in numpy, on the linear Gaussian model of `nelbo.testing.surroundings.linear_model`.

There the slope of log p(x, z) is W (x - W'z) - z, and the leapfrog linear, as are its moments.
log q is that of a draw, whose noise is drawn again with the same seed.
"""

import numpy as np
import torch
from scipy import stats

from nelbo.rng import seeded
from tests.references.rows import PosteriorRow

X = np.sin(np.arange(16.0)).reshape(4, 4)
W = np.cos(np.arange(12.0)).reshape(3, 4)


def _slope(z):
    return (X - z @ W) @ W.T - z


def _noise(z):
    with seeded(0):
        shape = z.shape
        return [torch.randn(shape, dtype=torch.float64).numpy() for _ in range(2)]


def _heats(steps, beta_zero):
    hot = 1 / np.sqrt(beta_zero)
    return [(1 - hot) * (k / steps) ** 2 + hot for k in range(steps + 1)]


def _plain(z, rho, steps, size, beta_zero):
    heat = _heats(steps, beta_zero)
    rho = heat[0] * rho
    for k in range(1, steps + 1):
        rho = rho + size / 2 * _slope(z)
        z = z + size * rho
        rho = (rho + size / 2 * _slope(z)) * heat[k] / heat[k - 1]
    return z, rho


def _moments(move, split):
    """Return mean and variance of the linear image of independent noise, column by column."""

    def mean(o):
        mu, _ = split(o)
        return move(mu, np.zeros_like(mu))[0]

    def variance(o):
        mu, sigma = split(o)
        centre, total = mean(o), 0.0
        for k in range(3):
            unit = np.eye(3)[k]
            total = total + (move(mu + sigma * unit, 0 * mu)[0] - centre) ** 2
            total = total + (move(mu, 0 * mu + unit)[0] - centre) ** 2
        return total

    return {"mean": mean, "variance": variance}


def _two(o):
    return o[:, 0], np.exp(o[:, 1] / 2)


def _row(steps, size, beta_zero, split=_two):
    def move(z, rho):
        return _plain(z, rho, steps, size, beta_zero)

    def log_q(z, o):
        mu, sigma = split(o)
        first, second = _noise(z)
        end, rho = move(mu + sigma * first, second)
        np.testing.assert_allclose(end, z, rtol=1e-6)
        start = stats.norm.logpdf(mu + sigma * first, mu, sigma)
        momentum = stats.norm.logpdf(second / np.sqrt(beta_zero), 0, 1 / np.sqrt(beta_zero))
        log_det = 3 * np.log(np.sqrt(beta_zero))
        return (start + momentum - stats.norm.logpdf(rho)).sum(-1) - log_det

    return PosteriorRow(log_density=log_q, **_moments(move, split))


ROWS = {
    "hamiltonian:steps=4,step_size=0.1,beta_zero=0.7": _row(4, 0.1, 0.7),
    "hamiltonian:steps=1,step_size=0.1,beta_zero=1": _row(1, 0.1, 1.0),
}
