"""Importance weights of many samples, at the speed of the matrix products in them."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from nelbo.compiling import compiled
from nelbo.evaluate.base import Evaluable
from nelbo.rng import seeded

# Values of decoder output at a time: what a processor's cache holds, what an accelerator needs.
VALUES = {"cpu": 2**20, "accelerator": 2**26}
# Compiling takes some 10 to 20 seconds and saves about a quarter: worth it from this many seconds.
WORTH = 120.0
TIMED = 5  # calls, the first of which warms up
ALIKE = 1e-4  # relative difference of a compiled weight, at most


def rows_at_once(x: Tensor) -> int:
    """Return how many samples of each example to draw at a time, at least 1.

    Args:
        x: the examples, [batch, *data_shape].
    """
    values = VALUES["cpu" if x.device.type == "cpu" else "accelerator"]
    return max(1, values // x.numel())


class Weights:
    """log p(x, z) - log q(z|x) at latents drawn from q(z|x), chunk after chunk.

    Where many chunks are to come, what draws and weighs one is compiled, once.

    Args:
        model: what is measured.
        rows: samples to be drawn in all, over all of this process's examples.
    """

    def __init__(self, model: Evaluable, rows: int) -> None:
        self.model, self.left = model, rows
        self._program: Callable[..., Tensor] | None = None
        self._decided, self._shape = False, ()
        self._seconds: list[float] = []

    def __call__(self, x: Tensor, samples: int) -> Float[Tensor, "samples batch"]:
        """Return the logarithms of the weights of so many samples of each example, on the CPU."""
        shape = (samples, *x.shape)
        if self._program is not None and shape == self._shape:
            return self._program(x.contiguous()).cpu()
        start = time.perf_counter()
        # to the processor, or the time would be an accelerator's to begin, not to finish
        log_w = self.model.terms(x, samples).log_w.cpu()
        self._note(time.perf_counter() - start, shape, x, samples)
        return log_w

    def _note(self, seconds: float, shape: tuple[int, ...], x: Tensor, samples: int) -> None:
        """Take note of what a chunk cost, and compile where what is left is worth it."""
        if self._decided:
            return
        if shape != self._shape:
            self._shape, self._seconds = shape, []
        self.left -= samples * len(x)
        if len(self._seconds) == TIMED:
            return
        self._seconds.append(seconds)
        if len(self._seconds) < TIMED:
            return
        chunks = self.left / (samples * len(x))
        if chunks * min(self._seconds) > WORTH:
            self._decided, self._program = True, self._compiled(x.contiguous(), samples)

    def _compiled(self, x: Tensor, samples: int) -> Callable[..., Tensor] | None:
        """Return the program where there is one, and it says what the model says."""

        def log_w(x: Tensor) -> Tensor:
            return self.model.terms(x, samples).log_w

        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of the compiler's own parts: it is built here
                program = compiled(log_w, x)
                found = [_seeded(call, x) for call in (program, log_w)]
        except Exception:  # whatever a compiler may not like: a model of the user's, no compiler
            return None
        return program if torch.allclose(*found, rtol=ALIKE, atol=ALIKE) else None


def _seeded(call: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    with seeded(0):
        return call(x)
