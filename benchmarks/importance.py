"""The importance-weighted bound against its matrix products: python benchmarks/importance.py.

The question's network, 784-500-500-20, on MNIST's test images. In turns: `ImportanceBound` with
5000 samples of one batch, compiled as for all 10,000 images, and the decoder's matrix products for
as many samples with the faster kernel; ratios within each round, then their median. Then the peak
memory of a fresh process for 50 and for 5000 samples. With --all, all 10,000 images once, in
minutes. Writes results/importance.json.
"""

from __future__ import annotations

import argparse
import datetime
import importlib
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

import torch
from torch import nn

import nelbo
from nelbo.machine import hardware, peak_memory
from nelbo.matmul import chosen, fast_matmul
from nelbo.train import versions

RESULT = Path(__file__).parent / "results" / "importance.json"
SAMPLES, IMAGES, ROUNDS = 5000, 100, 5


def model():
    torch.manual_seed(0)
    return nelbo.VAE((1, 28, 28), 20, network=nelbo.networks.MLP(hidden=(500, 500))).eval()


def bound(vae, x, samples=SAMPLES):
    start = time.perf_counter()
    nelbo.evaluate(vae, x, [nelbo.evaluate.ImportanceBound(samples=samples)])
    return time.perf_counter() - start


@torch.no_grad()
def moments(drawn, x):
    """Return the seconds of all samples of one batch."""
    start = time.perf_counter()
    with fast_matmul():
        nelbo.evaluate.ImportanceBound(samples=SAMPLES)._moments(drawn, x)
    return time.perf_counter() - start


@torch.no_grad()
def products(vae, rows, at_once):
    """Return the seconds of the decoder's matrix products alone."""
    weights = [layer.weight for layer in vae.decoder if isinstance(layer, nn.Linear)]
    inputs = [torch.randn(at_once, w.shape[1]) for w in weights]
    start = time.perf_counter()
    with fast_matmul():
        for _ in range(rows // at_once):
            for h, w in zip(inputs, weights, strict=True):
                h @ w.t()
    return time.perf_counter() - start


def fastest(vae):
    """Return how many rows at once make the products fastest."""
    rows = 40_000
    return min((500, 1000, 1300, 4000), key=lambda n: products(vae, rows, n) / (rows // n * n))


def peak(samples):
    """Return the peak memory of a process that does this, in bytes."""
    code = f"import importance; print(importance.measured_peak({samples}))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(__file__).parent, capture_output=True, check=True
    )
    return int(done.stdout)


def measured_peak(samples):
    bound(model(), nelbo.data.load("mnist").test.take(range(IMAGES)), samples)
    return peak_memory()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--all", action="store_true")
    every = parser.parse_args().all
    vae, test = model(), nelbo.data.load("mnist").test
    x, rows = test.take(range(IMAGES)), SAMPLES * IMAGES  # one batch
    weights = importlib.import_module("nelbo.evaluate.weights")
    at_once, ratios, seconds = fastest(vae), {}, {}
    for name, worth in (("uncompiled", float("inf")), ("compiled", 0.0)):
        weights.WORTH = worth
        drawn = weights.Weights(vae, rows)
        moments(drawn, x[:])  # warms up, and compiles: seconds that 10,000 images share
        pairs = [(products(vae, rows, at_once), moments(drawn, x[:])) for _ in range(ROUNDS)]
        ratios[name] = statistics.median(a / b for a, b in pairs)
        seconds[name] = statistics.median(b for _, b in pairs)
        print(name, ratios[name], seconds[name], flush=True)
    result = {
        "what": f"importance-weighted bound, {SAMPLES} samples, {IMAGES} images a round",
        "share_of_the_matrix_products": ratios,
        "seconds_a_round": seconds,
        "minutes_for_10000_images": {k: s * 10_000 / IMAGES / 60 for k, s in seconds.items()},
        "peak_bytes": {str(n): peak(n) for n in (50, SAMPLES)},
        "matmul": chosen(torch.get_num_threads()),
        "threads": torch.get_num_threads(),
        "versions": versions(),
        "hardware": hardware(),
        "date": datetime.date.today().isoformat(),
    }
    if every:
        weights.WORTH = 120.0
        whole = bound(vae, test)
        share = products(vae, SAMPLES * len(test), at_once) / whole
        result["all_images"] = {
            "seconds": whole, "share_of_the_matrix_products": share, "peak_bytes": peak_memory(),
        }  # fmt: skip
    print(json.dumps(result, indent=2))
    RESULT.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
