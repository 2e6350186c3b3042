"""The same test ELBO for everybody, from the weights alone."""

from __future__ import annotations

import numpy as np
from common import images

SEED, ROWS = 0, 1000


# elbo = E_q[sum_d x_d a_d - log(1 + e^(a_d))] - KL(q(z|x) || N(0, I))     Kingma & Welling 2014
def common_elbo(path):
    """Return the mean over MNIST's test images, grey values, one z each, in nats.

    Args:
        path: .npz of the weights [in, out] and biases of all layers of the MLP, in order.
    """
    with np.load(path) as file:
        arrays = [file[f"arr_{i}"] for i in range(len(file.files))]
    layers = list(zip(arrays[::2], arrays[1::2], strict=True))
    encoder, decoder = layers[: len(layers) // 2], layers[len(layers) // 2 :]
    random, x = np.random.default_rng(SEED), images("mlp", "test").astype(np.float32) / 255.0
    return float(np.mean([_elbo(encoder, decoder, rows, random) for rows in _parts(x)]))


def _elbo(encoder, decoder, x, random):
    mu, logvar = np.split(_tanh_mlp(encoder, x), 2, axis=1)
    z = mu + np.exp(0.5 * logvar) * random.standard_normal(mu.shape, np.float32)
    logits = _tanh_mlp(decoder, z)
    log_px = (x * logits - np.logaddexp(0.0, logits)).sum(1)
    kl = 0.5 * (mu**2 + np.exp(logvar) - 1.0 - logvar).sum(1)
    return (log_px - kl).mean()


def _tanh_mlp(layers, x):
    *hidden, (weight, bias) = layers
    for w, b in hidden:
        x = np.tanh(x @ w + b)
    return x @ weight + bias


def _parts(x):
    return np.split(x, len(x) // ROWS)
