"""The least that a step of the MLP can take in JAX: its matrix products alone, and Adam's traffic.

Variants: fp32, bf16.
"""

from __future__ import annotations

from itertools import pairwise

import jax
import jax.numpy as jnp
from common import layers, serve, versions


@jax.jit
def multiply(pairs):
    """Return the step's products: forward, gradient of the weights, gradient of the input."""
    found = []
    for at, (x, w, g) in enumerate(pairs):
        found += [x @ w, x.T @ g]
        if at > 0:  # nobody asks for the gradient of the data
            found.append(g @ w.T)
    return found


# two passes over the parameters, read and written
touch = jax.jit(lambda parameters: parameters + 1.0, donate_argnums=0)


class Limits:
    def setup(self, job):
        if job["network"] != "mlp":
            return {"absent": "limits in JAX are measured of the MLP alone"}
        dtype = jnp.bfloat16 if job["variant"] == "bf16" else jnp.float32
        sizes, batch = [pair for half in layers(job) for pair in pairwise(half)], job["batch"]
        shapes = [((batch, i), (i, o), (batch, o)) for i, o in sizes]
        self.pairs = [tuple(jnp.ones(shape, dtype) for shape in three) for three in shapes]
        self.parameters = jnp.zeros(sum(i * o + o for i, o in sizes))
        self.odd = False
        return {"versions": versions("jax", "jaxlib")}

    def run(self, steps):
        for _ in range(steps):
            jax.block_until_ready(multiply(self.pairs))
            for _ in range(3 + self.odd):  # three and four in turn: seven passes a step
                self.parameters = touch(self.parameters)
            self.odd = not self.odd
        jax.block_until_ready(self.parameters)


if __name__ == "__main__":
    serve(Limits())
