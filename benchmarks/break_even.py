"""After how many steps compiling pays: python benchmarks/break_even.py [--quick].

For some networks and batches: seconds of compiling, milliseconds of an uncompiled and of a compiled
step (in turns, medians over the rounds), and the steps after which the wait is paid back. Writes
results/break-even.json; `BREAK_EVEN` in nelbo/train/compiled.py follows it.
"""

from __future__ import annotations

import datetime
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import torch
from torch import nn

import nelbo
from nelbo.machine import hardware
from nelbo.matmul import chosen, fast_matmul
from nelbo.train import versions
from nelbo.train.adam import Adam
from nelbo.train.compiled import Compiled
from nelbo.train.step import Step

RESULT = Path(__file__).parent / "results" / "break-even.json"
ROUNDS, STEPS = 7, 30


def mlp(*hidden):
    return nelbo.VAE((1, 28, 28), 20, network=nelbo.networks.MLP(hidden=hidden))


def conv():
    encoder = nn.Sequential(
        *(nn.Conv2d(1, 16, 4, 2, 1), nn.ReLU(), nn.Conv2d(16, 32, 4, 2, 1), nn.ReLU()),
        *(nn.Flatten(), nn.Linear(32 * 49, 40)),
    )
    decoder = nn.Sequential(
        *(nn.Linear(20, 32 * 49), nn.ReLU(), nn.Unflatten(1, (32, 7, 7))),
        *(nn.ConvTranspose2d(32, 16, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(16, 1, 4, 2, 1)),
    )
    return nelbo.VAE((1, 28, 28), 20, network=nelbo.networks.Modules(encoder, decoder))


CASES = {
    "784-200-200-20, batch 100": (lambda: mlp(200, 200), 100),
    "784-500-500-20, batch 100": (lambda: mlp(500, 500), 100),
    "784-500-500-20, batch 500": (lambda: mlp(500, 500), 500),
    "784-2000-2000-20, batch 100": (lambda: mlp(2000, 2000), 100),
    "convolutions 16-32, batch 100": (conv, 100),
}


def stepper(step, x, objective):
    adam = Adam(step.model.parameters(), 1e-3)

    def go(steps):
        start = time.perf_counter()
        for _ in range(steps):
            adam.update(step(x, objective).loss)
        return 1e3 * (time.perf_counter() - start) / steps

    return go


def case(make, batch, precision, rounds):
    torch.manual_seed(0)
    x, objective = nelbo.data.load("mnist").train[:batch], nelbo.objectives.ELBO()
    said = []
    compiled = Compiled(make(), precision, objective, batch, said.append)
    start = time.perf_counter()
    compiled.prepare(x, objective)
    wait = time.perf_counter() - start
    ways = [stepper(s, x, objective) for s in (Step(make(), precision), compiled)]
    for go in ways:
        go(3)
    times = [[go(STEPS) for go in ways] for _ in range(rounds)]
    plain, ours = (statistics.median(column) for column in zip(*times, strict=True))
    return {
        "seconds_of_compiling": wait,
        "ms_uncompiled": plain,
        "ms_compiled": ours,
        "ratio": statistics.median(a / b for a, b in times),
        "steps_to_break_even": round(1e3 * wait / (plain - ours)) if plain > ours else None,
        "said": said[-1],
    }


def main():
    rounds = 2 if "--quick" in sys.argv else ROUNDS
    found = {}
    with tempfile.TemporaryDirectory() as empty, fast_matmul():
        torch._inductor.config.fx_graph_cache = False
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = empty  # as on a machine that never compiled it
        for name, (make, batch) in CASES.items():
            for text, precision in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
                row = found[f"{name}, {text}"] = case(make, batch, precision, rounds)
                print(f"{name}, {text}: {row}", flush=True)
    result = {
        "what": "steps after which compiling a step pays",
        "rounds": rounds,
        "matmul": chosen(torch.get_num_threads()),
        "threads": torch.get_num_threads(),
        "cases": found,
        "versions": versions(),
        "hardware": hardware(),
        "date": datetime.date.today().isoformat(),
    }
    if "--quick" not in sys.argv:
        RESULT.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
