"""What an audit costs: python benchmarks/audit_cost.py.

784 features and batch 100: below 3 s; 3 x 64 x 64 and batch 64: below 20 s. Medians of five, the
losses interleaved. Writes results/audit-cost.json.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

import nelbo
from nelbo.machine import hardware
from nelbo.train import versions

RESULT = Path(__file__).parent / "results" / "audit-cost.json"
SHAPES = {"784 features, batch 100": (100, 784), "3 x 64 x 64, batch 64": (64, 3, 64, 64)}
REPETITIONS, LATENT = 5, 20

Loss = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]


def closed(mu: Tensor, logvar: Tensor) -> Tensor:
    return -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum(1).mean()


def averaged(x: Tensor, recon: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    return F.mse_loss(recon, x) + closed(mu, logvar)


def bernoulli(x: Tensor, recon: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    return F.binary_cross_entropy(recon, x, reduction="sum") / len(x) + closed(mu, logvar)


def sampled(x: Tensor, recon: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    q = torch.distributions.Normal(mu, (0.5 * logvar).exp())
    p = torch.distributions.Normal(0.0, 1.0)
    z = q.rsample()
    kl = (q.log_prob(z) - p.log_prob(z)).sum(1).mean()
    return ((recon - x) ** 2).flatten(1).sum(1).mean() + kl


def unknown(x: Tensor, recon: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    return (recon - x).flatten(1).norm(dim=1).mean() + closed(mu, logvar) ** 1.5


LOSSES: dict[str, tuple[Loss, str]] = {
    "mean squared error": (averaged, "mean"),
    "binary cross-entropy": (bernoulli, "prob"),
    "sampled KL": (sampled, "mean"),
    "neither term known": (unknown, "mean"),
}


def seconds(loss: Loss, output: str, shape: tuple[int, ...]) -> float:
    x = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    start = time.perf_counter()
    nelbo.audit(loss, x, latent=LATENT, output=output)
    return time.perf_counter() - start


def main() -> None:
    found: dict[str, dict[str, list[float]]] = {s: {n: [] for n in LOSSES} for s in SHAPES}
    for _ in range(REPETITIONS):
        for title, shape in SHAPES.items():
            for name, (loss, output) in LOSSES.items():
                found[title][name].append(seconds(loss, output, shape))
    medians = {t: {n: statistics.median(s) for n, s in by.items()} for t, by in found.items()}
    result = {
        "seconds": medians,
        "repetitions": REPETITIONS,
        "latent": LATENT,
        "seed": 0,
        "versions": versions(),
        "hardware": {**hardware(), "threads": torch.get_num_threads()},
    }
    RESULT.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
