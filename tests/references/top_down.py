"""Two levels of Gaussians, of one and two latents, by numpy; weights are stated numbers."""

import numpy as np
from scipy import stats

from tests.references.filled import values

LEVELS, HIDDEN, FEATURES = (1, 2), 4, 3


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def bounded(x):
    return 10 * np.tanh(x / 10)


def weights(shapes):
    return [values(index, *shape) for index, shape in enumerate(shapes)]


def pair_shapes(size, outputs):
    h = HIDDEN
    return [(2 * h, h), (2 * h,), (2 * h, size), (outputs, h), (outputs,)]


def gated_pair(state, other, a, bias_a, b, w, bias_w):
    whole = state @ a.T + bias_a + other @ b.T
    return (whole[..., :HIDDEN] * sigmoid(whole[..., HIDDEN:])) @ w.T + bias_w


HEADS = [shape for size in LEVELS for shape in ((2 * size, HIDDEN), (2 * size,))]
FIRST, W_1, B_1, W_2, B_2, *BLOCK = weights([(HIDDEN,), *HEADS, *pair_shapes(LEVELS[0], HIDDEN)])


def head(state, w, b):
    mu, raw = np.split(state @ w.T + b, 2, axis=-1)
    return mu, bounded(raw)


def walk(choose, merge=lambda level, state, prior: prior):
    """Return each level's latents, mean and log variance, with latents chosen at each."""
    first = merge(0, FIRST, head(FIRST, W_1, B_1))
    z = choose(0, first)
    state = FIRST + gated_pair(FIRST, z, *BLOCK)
    second = merge(1, state, head(state, W_2, B_2))
    return (z, *first), (choose(1, second), *second)


def log_density(z, merge=lambda level, state, prior: prior):
    parts = np.split(z, [LEVELS[0]], axis=-1)
    steps = walk(lambda level, _: parts[level], merge)
    return sum(stats.norm.logpdf(z, mu, np.exp(v / 2)).sum(-1) for z, mu, v in steps)


def push(u, merge=lambda level, state, prior: prior):
    """Return latents of noise [..., 3]."""
    parts = np.split(u, [LEVELS[0]], axis=-1)
    steps = walk(lambda level, own: own[0] + np.exp(own[1] / 2) * parts[level], merge)
    return np.concatenate([z for z, *_ in steps], axis=-1)
