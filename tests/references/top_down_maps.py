"""Two levels of maps, of 1 x 1 x 1 and 1 x 1 x 2, by numpy; weights are stated numbers."""

import numpy as np

from tests.references.top_down import bounded, sigmoid, two_levels, weights

LEVELS, HIDDEN, FEATURES = ((1, 1, 1), (1, 1, 2)), 2, 2


def convolve(x, weight, bias=0.0):
    """Return the sums over windows of 3 x 3 around each place, zeros beyond the edge."""
    edges = [(0, 0)] * (x.ndim - 2) + [(1, 1), (1, 1)]
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(x, edges), (3, 3), axis=(-2, -1))
    return np.einsum("...chwij,ocij->...ohw", windows, weight) + np.reshape(bias, (-1, 1, 1))


def gated(state, other, a, bias_a, b, w, bias_w):
    whole = convolve(state, a, bias_a) + convolve(other, b)
    value, gate = np.split(whole, 2, axis=-3)
    return convolve(value * sigmoid(gate), w, bias_w)


def gated_shapes(channels, outputs):
    h, k = HIDDEN, (3, 3)
    return [(2 * h, h, *k), (2 * h,), (2 * h, channels, *k), (outputs, h, *k), (outputs,)]


def flat(maps):
    return maps.reshape(*maps.shape[:-3], -1)


def halves(maps):
    """Return means and raw log variances, flat."""
    return (flat(half) for half in np.split(maps, 2, axis=-3))


def doubled(maps):
    """Return maps of 1 x 1 as maps of 1 x 2."""
    return np.repeat(maps, 2, axis=-1)


HEAD = [(2, HIDDEN, 3, 3), (2,)]
FIRST, W_1, B_1, W_2, B_2, *BLOCK = weights(
    [(HIDDEN, 1, 1), *HEAD, *HEAD, *gated_shapes(1, HIDDEN)]
)


def head(w, b):
    def gaussian(state):
        mu, raw = halves(convolve(state, w, b))
        return mu, bounded(raw)

    return gaussian


def advance(state, z):
    large = doubled(state)
    return large + gated(large, doubled(z[..., None, None, :]), *BLOCK)


log_density, push = two_levels(FIRST, (head(W_1, B_1), head(W_2, B_2)), advance)
