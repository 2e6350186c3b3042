"""Two processes with a thread each, measured, and what the cost model says of them."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from scaling.cluster import Plan
from scaling.cost import all_reduce, step_replicated

import nelbo
from nelbo.machine import hardware
from nelbo.objectives import ELBO
from nelbo.rng import seeded
from nelbo.train import versions
from nelbo.train.adam import Adam
from nelbo.train.step import Step
from nelbo.world import joined, leave

MEASURED = (
    ("MLP 500-500", (500, 500), 100),
    ("MLP 500-500", (500, 500), 400),
    ("MLP 1000-1000", (1000, 1000), 100),
    ("MLP 2000-2000", (2000, 2000), 100),
)
SIZES = (2**12, 2**14, 2**16, 2**18, 2**20, 2**22, 2**24, 2**25)


def worker(path: str, rounds: int) -> None:
    """Measure in one of two processes; the first writes."""
    torch.set_num_threads(1)
    world = joined(torch.device("cpu"))
    cases = [Case(hidden, batch, world) for _, hidden, batch in MEASURED]
    wires = {size: torch.zeros(size // 4) for size in SIZES}
    clocks: dict[str, list[float]] = {}
    for i in range(rounds + 2):  # the first two warm up
        for j, case in enumerate(cases):
            for name, run in case.ways(world.rank):
                seconds = timed(run, 3)
                if i > 1:
                    clocks.setdefault(f"{j} {name}", []).append(seconds)
        for size, wire in wires.items():
            seconds = timed(lambda wire=wire: torch.distributed.all_reduce(wire), 5)
            if i > 1:
                clocks.setdefault(f"wire {size}", []).append(seconds)
    every = world.gather([clocks])
    if world.is_main:
        Path(path).write_text(json.dumps({"clocks": every, "bytes": [c.sizes for c in cases]}))
    leave()


def timed(run: Callable[[], object] | None, times: int) -> float:
    """Return the seconds of one call, when both processes begin together."""
    torch.distributed.barrier()
    start = time.perf_counter()
    for _ in range(times if run is not None else 0):
        run()
    return (time.perf_counter() - start) / times


class Case:
    """A model of one size, to be trained alone and together."""

    def __init__(self, hidden: tuple[int, ...], batch: int, world) -> None:
        from nelbo.train.distributed import Distributed

        self.x, self.objective = torch.rand(batch, 784).round(), ELBO()
        self.own, self.shared = (self._model(hidden) for _ in range(2))
        self.alone = Step(self.own, torch.float32)
        self.together = Distributed(self.shared, torch.float32, world)
        self.together.prepare(self.x, self.objective)
        self.adams = [Adam(model.parameters(), 1e-3) for model in (self.own, self.shared)]
        self.sizes = [4 * p.numel() for p in reversed(list(self.own.parameters()))]

    def _model(self, hidden: tuple[int, ...]) -> nelbo.VAE:
        with seeded(0):
            return nelbo.VAE(784, 20, network=nelbo.networks.MLP(hidden=hidden))

    def ways(self, rank: int):
        """A step alone on the machine, alone beside another one, and together."""
        yield "alone", self._step(self.alone, self.adams[0]) if rank == 0 else None
        yield "beside", self._step(self.alone, self.adams[0])
        yield "together", self._step(self.together, self.adams[1])

    def _step(self, step: Step, optimiser: Adam) -> Callable[[], None]:
        def run() -> None:
            optimiser.update(step(self.x, self.objective).loss)

        return run


def measured(rounds: int, script: str, path: Path) -> dict:
    """Launch two processes of the script and compare the model with what they measured."""
    words = ["--standalone", "--nproc-per-node", "2", script, "--worker", str(path)]
    subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", *words, "--rounds", str(rounds)],
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    raw = json.loads(path.read_text())
    path.unlink()
    first, second = ({n: statistics.median(v) for n, v in c.items()} for c in raw["clocks"])
    slower = {name: max(first[name], second[name]) for name in first}
    wire = {size: slower[f"wire {size}"] for size in SIZES}
    hop, bandwidth = fitted(wire)
    cases = []
    for j, (name, hidden, batch) in enumerate(MEASURED):
        beside, together = slower[f"{j} beside"], slower[f"{j} together"]
        sizes = raw["bytes"][j]
        said = predicted(sizes, beside, bandwidth, hop)
        cases.append({
            "model": name, "hidden": hidden, "batch_per_process": batch,
            "parameters": sum(sizes) // 4, "alone_seconds": first[f"{j} alone"],
            "beside_seconds": beside, "together_seconds": together, **said,
            "relative_error": said["predicted_seconds"] / together - 1,
            "relative_error_with_overlap": said["predicted_with_overlap_seconds"] / together - 1,
            "speedup": 2 * first[f"{j} alone"] / together,
        })  # fmt: skip
    return {
        "rounds": rounds,
        "all_reduce_seconds": wire,
        "hop_seconds": hop,
        "bandwidth_bytes_per_second": bandwidth,
        "cases": cases,
        "hardware": hardware(),
        "load": os.getloadavg(),
        "versions": versions(),
    }


def fitted(wire: dict[int, float]) -> tuple[float, float]:
    """Return hop and bandwidth of t = bytes / bandwidth + 2 hop: least squares, relatively."""
    sizes = torch.tensor(list(wire), dtype=torch.float64)
    seconds = torch.tensor(list(wire.values()), dtype=torch.float64)
    rows = torch.stack([sizes, torch.full_like(sizes, 2.0)], 1) / seconds[:, None]
    solution = torch.linalg.lstsq(rows, torch.ones(len(wire), 1, dtype=torch.float64)).solution
    inverse, hop = solution.flatten().tolist()
    return max(hop, 0.0), 1 / inverse


def predicted(
    sizes: Sequence[int], compute: float, bandwidth: float, hop: float
) -> dict[str, float]:
    """Say what a step of two takes, from one of one and the wire.

    Here the processor that computes also sends: nothing of it is hidden. With overlap is what a
    network card of its own would give.
    """
    forward_ends, clock, times = compute / 3, compute / 3, []
    for size in sizes:
        clock += (compute - forward_ends) * size / sum(sizes)
        times.append((clock, float(size)))
    send = lambda size: all_reduce(size, 2, bandwidth, hop)  # noqa: E731
    plain, busy = step_replicated(times, Plan(overlap=False), send)
    best, _ = step_replicated(times, Plan(), send)
    return {
        "sending_seconds": busy,
        "predicted_seconds": plain,
        "predicted_with_overlap_seconds": best,
    }
