"""JAX as an expert writes it: the data on the device, `lax.scan` over steps, donated buffers.

Variants: fp32, and bf16 (matrix products and convolutions in bfloat16, the rest in fp32).
"""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
from common import (
    CHANNELS,
    GAUSSIAN_VARIANCE,
    LATENT,
    LR,
    Order,
    images,
    layers,
    serve,
    versions,
)
from jax import lax

SCAN = {"mlp": 20, "conv": 5}  # steps in one call
CORNERS = ((0, 0), (0, 1), (1, 0), (1, 1))


def dense(x, layer, dtype):
    weight, bias = layer
    return jnp.dot(x.astype(dtype), weight.astype(dtype), preferred_element_type=dtype) + bias


def conv(x, layer, dtype):
    """Convolve with a 4 x 4 kernel, stride 2, padding 1: as a matrix product, XLA's fastest."""
    return dense(patches(x), layer, dtype)


def transposed_conv(x, layer, dtype):
    """Apply the adjoint of such a convolution."""
    weight, bias = layer
    return unpatch(jnp.dot(x.astype(dtype), weight.astype(dtype))) + bias


def patches(x):
    """Return [batch, h, w, 16 c] of [batch, 2 h, 2 w, c]: what each 4 x 4 window sees."""
    n, height, width, c = x.shape
    h, w = height // 2, width // 2
    x = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0))).reshape(n, h + 1, 2, w + 1, 2, c)
    x = x.transpose(0, 1, 3, 2, 4, 5).reshape(n, h + 1, w + 1, 4 * c)
    return jnp.concatenate([x[:, i : i + h, j : j + w] for i, j in CORNERS], axis=-1)


def unpatch(y):
    """Return [batch, 2 h, 2 w, c]: each window's numbers added where the window lies."""
    n, h, w, c = *y.shape[:3], y.shape[3] // 16
    parts = zip(CORNERS, jnp.split(y, 4, axis=-1), strict=True)
    x = sum(jnp.pad(p, ((0, 0), (i, 1 - i), (j, 1 - j), (0, 0))) for (i, j), p in parts)
    x = x.reshape(n, h + 1, w + 1, 2, 2, c).transpose(0, 1, 3, 2, 4, 5)
    return x.reshape(n, 2 * h + 2, 2 * w + 2, c)[:, 1:-1, 1:-1]


def mlp(x, params, dtype):
    for layer in params[:-1]:
        x = jnp.tanh(dense(x, layer, dtype))
    return dense(x, params[-1], dtype)


def conv_encoder(x, params, dtype):
    for layer in params[:-1]:
        x = jax.nn.relu(conv(x, layer, dtype))
    return dense(x.reshape(len(x), -1), params[-1], dtype)


def conv_decoder(z, params, dtype):
    x = jax.nn.relu(dense(z, params[0], dtype)).reshape(-1, 4, 4, CHANNELS[-1])
    for layer in params[1:-1]:
        x = jax.nn.relu(transposed_conv(x, layer, dtype))
    return transposed_conv(x, params[-1], dtype)


def bernoulli(logits, x):
    return jnp.sum(jax.nn.softplus(logits) - x * logits)


def gaussian(mean, x):
    return 0.5 * jnp.sum((x - mean) ** 2) / GAUSSIAN_VARIANCE


def loss(params, x, noise, parts, dtype):
    encode, decode, nll = parts
    mu, logvar = jnp.split(encode(x, params[0], dtype).astype(jnp.float32), 2, axis=1)
    z = mu + jnp.exp(0.5 * logvar) * noise
    kl = 0.5 * jnp.sum(mu**2 + jnp.exp(logvar) - 1.0 - logvar)
    return (nll(decode(z, params[1], dtype).astype(jnp.float32), x) + kl) / len(x)


@partial(jax.jit, static_argnames=("parts", "dtype"), donate_argnums=(0, 1))
def steps(params, state, key, data, batches, *, parts, dtype):
    """Take one step of Adam for each row of indices."""
    noise = jax.random.normal(key, (*batches.shape, latent_of(params)))

    def step(carry, inputs):
        params, state = carry
        index, noise = inputs
        x = data[index].astype(jnp.float32) / 255.0
        value, gradient = jax.value_and_grad(loss)(params, x, noise, parts, dtype)
        updates, state = optax.adam(LR).update(gradient, state)
        return (optax.apply_updates(params, updates), state), value

    (params, state), values = lax.scan(step, (params, state), (batches, noise))
    return params, state, values


def latent_of(params):
    return params[0][-1][1].shape[0] // 2


def dense_params(random, sizes):
    return [lecun(random, (i, o), i) for i, o in zip(sizes, sizes[1:], strict=False)]


def conv_params(random, channels):
    pairs = zip(channels, channels[1:], strict=False)
    return [lecun(random, (16 * i, o), 16 * i) for i, o in pairs]


def transposed_params(random, channels):
    pairs = zip(channels, channels[1:], strict=False)
    found = [(lecun(random, (i, 16 * o), 4 * i)[0], o) for i, o in pairs]
    return [(weight, np.zeros(o, np.float32)) for weight, o in found]


def lecun(random, shape, fan_in):
    weight = random.normal(0.0, fan_in**-0.5, shape).astype(np.float32)
    return weight, np.zeros(shape[-1], np.float32)


class Jax:
    def setup(self, job):
        random = np.random.default_rng(job["seed"])
        x = images(job["network"], count=job["images"])
        if job["network"] == "mlp":
            params = [dense_params(random, sizes) for sizes in layers(job)]
            self.parts = (mlp, mlp, bernoulli)
        else:
            x = x.transpose(0, 2, 3, 1)
            flat, latent = 16 * CHANNELS[-1], LATENT["conv"]
            encoder = conv_params(random, CHANNELS)
            decoder = transposed_params(random, CHANNELS[::-1])
            params = [
                [*encoder, lecun(random, (flat, 2 * latent), flat)],
                [lecun(random, (latent, flat), latent), *decoder],
            ]
            self.parts = (conv_encoder, conv_decoder, gaussian)
        self.dtype = jnp.bfloat16 if job["variant"] == "bf16" else jnp.float32
        self.data, self.params = jnp.asarray(x), jax.tree.map(jnp.asarray, params)
        self.state = optax.adam(LR).init(self.params)
        self.key, self.scan = jax.random.key(job["seed"]), SCAN[job["network"]]
        self.order = Order(len(x), job["batch"], job["seed"])
        return {"versions": versions("jax", "jaxlib", "optax", "numpy")}

    def run(self, count):
        while count > 0:
            size = self.scan if count >= self.scan else 1  # each size is compiled once
            self.call(self.order.take(size).astype(np.int32))
            count -= size
        jax.block_until_ready(self.params)

    def call(self, batches):
        self.key, key = jax.random.split(self.key)
        kept = (self.params, self.state, key, self.data, batches)
        self.params, self.state, _ = steps(*kept, parts=self.parts, dtype=self.dtype)

    def weights(self):
        return [np.asarray(a) for half in self.params for layer in half for a in layer]


if __name__ == "__main__":
    serve(Jax())
