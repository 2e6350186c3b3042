"""Gaussians of the Poincare ball by Moebius sums, as Mathieu et al. write them."""

import numpy as np
from scipy import integrate, stats


def _dot(a, b):
    return (a * b).sum(-1, keepdims=True)


def moebius(a, b, c):
    top = (1 + 2 * c * _dot(a, b) + c * _dot(b, b)) * a + (1 - c * _dot(a, a)) * b
    return top / (1 + 2 * c * _dot(a, b) + c**2 * _dot(a, a) * _dot(b, b))


def at_origin(v, c):
    """exp_0(v / 2)."""
    length = np.sqrt(c) * np.linalg.norm(v, axis=-1, keepdims=True)
    # the length of v / |v| is 1 / sqrt(c), the ball's radius
    return np.tanh(length / 2) * v / np.where(length == 0, 1, length)


def wrapped_log_density(z, location, scale, c):
    """Against the ball's volume: equation 5."""
    difference = moebius(-location, z, c)
    length = np.linalg.norm(difference, axis=-1, keepdims=True)
    distance = 2 / np.sqrt(c) * np.arctanh(np.sqrt(c) * length)
    v = distance * difference / length
    s = np.sqrt(c) * distance[..., 0]
    lift = (z.shape[-1] - 1) * np.log(s / np.sinh(s))
    return stats.norm.logpdf(v, 0, scale).sum(-1) + lift


def wrapped_moments(location, scale, c, nodes=40):
    """Euclidean mean and variance, in three dimensions."""
    x, w = np.polynomial.hermite_e.hermegauss(nodes)
    noise = np.stack(np.meshgrid(x, x, x, indexing="ij"), -1).reshape(-1, 3)
    weight = np.prod(np.stack(np.meshgrid(w, w, w, indexing="ij"), -1), -1).reshape(-1, 1)
    z = moebius(location, at_origin(scale * noise, c), c)
    mean = (weight * z).sum(0) / weight.sum()
    return mean, (weight * (z - mean) ** 2).sum(0) / weight.sum()


def riemannian_log_density(z, scale, c):
    """Against the ball's volume, in three dimensions: equation 4."""
    root = np.sqrt(c)
    norm = integrate.quad(lambda r: _weight(r, scale, c), 0, 60, epsabs=0, epsrel=1e-12, limit=200)
    distance = 2 / root * np.arctanh(root * np.linalg.norm(z, axis=-1))
    return -(distance**2) / (2 * scale**2) - np.log(4 * np.pi * norm[0])


def riemannian_variance(scale, c):
    def square(r):
        return _weight(r, scale, c) * np.tanh(np.sqrt(c) * r / 2) ** 2 / c

    top, bottom = (
        integrate.quad(f, 0, 60, epsabs=0, epsrel=1e-12, limit=200)[0]
        for f in (square, lambda r: _weight(r, scale, c))
    )
    return top / bottom / 3


def _weight(r, scale, c):
    return np.exp(-(r**2) / (2 * scale**2)) * np.sinh(np.sqrt(c) * r) ** 2 / c
