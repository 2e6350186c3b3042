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


def as_prior(level, state, prior):
    return prior


def two_levels(first, heads, advance):
    """Return log density and draws of two levels, and of what `merge` makes of them.

    Args:
        first: the state above the first level.
        heads: of each level, the state's mean and log variance.
        advance: the state below the first level, of the one above it and the level's latents.
    """

    def walk(choose, merge):
        """Return each level's latents, mean and log variance, with latents chosen at each."""
        above = merge(0, first, heads[0](first))
        z = choose(0, above)
        state = advance(first, z)
        below = merge(1, state, heads[1](state))
        return (z, *above), (choose(1, below), *below)

    def log_density(z, merge=as_prior):
        parts = np.split(z, [LEVELS[0]], axis=-1)
        steps = walk(lambda level, _: parts[level], merge)
        return sum(stats.norm.logpdf(z, mu, np.exp(v / 2)).sum(-1) for z, mu, v in steps)

    def push(u, merge=as_prior):
        """Return latents of noise [..., 3]."""
        parts = np.split(u, [LEVELS[0]], axis=-1)
        steps = walk(lambda level, own: own[0] + np.exp(own[1] / 2) * parts[level], merge)
        return np.concatenate([z for z, *_ in steps], axis=-1)

    return log_density, push


def residual(change):
    """Vahdat & Kautz 2020: how far from the prior's mean, and how many times its deviation."""

    def merge(level, state, prior):
        d_mu, d_logvar = change(level, state)
        return prior[0] + d_mu, prior[1] + bounded(d_logvar)

    return merge


def pair_shapes(size, outputs):
    h = HIDDEN
    return [(2 * h, h), (2 * h,), (2 * h, size), (outputs, h), (outputs,)]


def gated_pair(state, other, a, bias_a, b, w, bias_w):
    whole = state @ a.T + bias_a + other @ b.T
    return (whole[..., :HIDDEN] * sigmoid(whole[..., HIDDEN:])) @ w.T + bias_w


HEADS = [shape for size in LEVELS for shape in ((2 * size, HIDDEN), (2 * size,))]
FIRST, W_1, B_1, W_2, B_2, *BLOCK = weights([(HIDDEN,), *HEADS, *pair_shapes(LEVELS[0], HIDDEN)])


def head(w, b):
    def gaussian(state):
        mu, raw = np.split(state @ w.T + b, 2, axis=-1)
        return mu, bounded(raw)

    return gaussian


log_density, push = two_levels(
    FIRST, (head(W_1, B_1), head(W_2, B_2)), lambda h, z: h + gated_pair(h, z, *BLOCK)
)
