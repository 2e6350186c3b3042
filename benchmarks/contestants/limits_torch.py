"""The least that a step can take in PyTorch: its products alone, each with the fastest kernel.

Of every product - forward, gradient of the weights, gradient of the input - all kernels are timed
once, and the fastest runs: MKL's `torch.mm`, oneDNN's `_linear_pointwise`, either with weights
packed beforehand; of convolutions both memory layouts. Then Adam's traffic: seven passes over the
parameters, as copies, of which each is two.

Variants: fp32, bf16.
"""

from __future__ import annotations

import itertools
import statistics
import time

import torch
from common import CHANNELS, LATENT, THREADS, layers, serve, versions

mkldnn, aten = torch.ops.mkldnn, torch.ops.aten
REPETITIONS = 30
LAYOUTS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}


def products(job):
    """Return the sizes (m, k, n) of all matrix products of a step."""
    sizes, batch = linear_layers(job), job["batch"]
    for at, (fan_in, fan_out) in enumerate(sizes):
        yield "forward", (batch, fan_in, fan_out)
        yield "weights", (fan_in, batch, fan_out)
        if at > 0 or job["network"] == "conv":  # nobody asks for the gradient of the data
            yield "input", (batch, fan_out, fan_in)


def linear_layers(job):
    if job["network"] == "conv":
        flat, latent = 16 * CHANNELS[-1], LATENT["conv"]
        return [(flat, 2 * latent), (latent, flat)]
    return [pair for sizes in layers(job) for pair in itertools.pairwise(sizes)]


def product_kernels(m, k, n, dtype):
    """Return the ways to multiply [m, k] by [k, n], by name."""
    a, b = torch.randn(m, k).to(dtype), torch.randn(k, n).to(dtype)
    transposed, a_of_columns = b.T.contiguous(), a.T.contiguous()
    found = {
        "mm": lambda: torch.mm(a, b),
        "mm, b transposed": lambda: torch.mm(a, transposed.T),
        "mm, a transposed": lambda: torch.mm(a_of_columns.T, b),
    }
    if not torch.backends.mkldnn.is_available():
        return found
    linear = mkldnn._linear_pointwise
    found["oneDNN"] = lambda: linear(a, transposed, None, "none", [], "")
    packed = mkldnn._reorder_linear_weight(transposed, m)
    found["oneDNN, packed"] = lambda: linear(a, packed, None, "none", [], "")
    if torch.backends.mkl.is_available() and dtype == torch.float32:
        ready = torch.ops.mkl._mkl_reorder_linear_weight(transposed, m)
        found["MKL, packed"] = lambda: torch.ops.mkl._mkl_linear(a, ready, transposed, None, m)
    return found


def conv_shapes():
    """Return (channels in, channels out, size in, transposed) of all convolutions."""
    for at, (i, o) in enumerate(itertools.pairwise(CHANNELS)):
        yield i, o, 32 >> at, False
    for at, (i, o) in enumerate(itertools.pairwise(CHANNELS[::-1])):
        yield i, o, 4 << at, True


def conv_kernels(shape, batch, dtype):
    """Return the ways to convolve forward and backward, by direction and name."""
    i, o, size, transposed = shape
    numbers = ([2, 2], [1, 1], [1, 1], transposed, [0, 0], 1)
    needed = [i != CHANNELS[0], True, False]
    forward, backward = {}, {}
    for name, layout in LAYOUTS.items():
        x = torch.randn(batch, i, size, size).to(dtype).contiguous(memory_format=layout)
        w = torch.randn(*((i, o) if transposed else (o, i)), 4, 4).to(dtype)
        w = w.contiguous(memory_format=layout)
        y = torch.randn_like(aten.convolution(x, w, None, *numbers))
        forward[name] = lambda x=x, w=w: aten.convolution(x, w, None, *numbers)
        backward[name] = lambda x=x, w=w, y=y: aten.convolution_backward(
            y, x, w, None, *numbers, needed
        )
    return forward, backward


def seconds(kernel, repetitions=REPETITIONS):
    """Return the median time of a kernel, which may refuse."""
    try:
        kernel()
    except RuntimeError:
        return float("inf")
    times = []
    for _ in range(repetitions):
        start = time.perf_counter()
        kernel()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def fastest(kernels, repetitions=REPETITIONS):
    """Return the fastest kernel's name and the times of all, interleaved."""
    times = {name: [] for name in kernels}
    for _ in range(3):
        for name, kernel in kernels.items():
            times[name].append(seconds(kernel, repetitions // 3))
    medians = {name: statistics.median(found) for name, found in times.items()}
    return min(medians, key=medians.get), medians


class Limits:
    def setup(self, job):
        torch.set_num_threads(THREADS)
        dtype = torch.bfloat16 if job["variant"] == "bf16" else torch.float32
        self.kernels, table = [], {}
        for what, sizes in products(job):
            self.choose(table, f"{what} {sizes}", product_kernels(*sizes, dtype))
        if job["network"] == "conv":
            for shape in conv_shapes():
                both = conv_kernels(shape, job["batch"], dtype)
                for what, kernels in zip(("forward", "backward"), both, strict=True):
                    self.choose(table, f"convolution {what} {shape}", kernels, 6)
        self.parameters = torch.zeros(count(job))
        self.other, self.odd = torch.zeros_like(self.parameters), False
        copy = seconds(lambda: self.other.copy_(self.parameters))
        moved = 2 * self.parameters.numel() * self.parameters.element_size()
        found = {"copy_bytes_per_second": moved / copy, "traffic_seconds": 3.5 * copy}
        return {"versions": versions("torch"), "products": table, **found}

    def choose(self, table, title, kernels, repetitions=REPETITIONS):
        name, times = fastest(kernels, repetitions)
        known = {kernel: s for kernel, s in times.items() if s < float("inf")}
        table[title] = {"chosen": name, "seconds": known}
        self.kernels.append(kernels[name])

    @torch.no_grad()
    def run(self, steps):
        for _ in range(steps):
            for kernel in self.kernels:
                kernel()
            for _ in range(3 + self.odd):  # three copies and four in turn: seven passes a step
                self.other.copy_(self.parameters)
            self.odd = not self.odd


def count(job):
    """Return the number of parameters."""
    dense = sum(i * o + o for i, o in linear_layers(job))
    if job["network"] == "mlp":
        return dense
    return dense + sum(16 * i * o + o for i, o, _, _ in conv_shapes())


if __name__ == "__main__":
    serve(Limits())
