"""What a forecast costs: python benchmarks/forecast_cost.py [mnist] [mapped].

mnist   60,000 x 784 in memory: below 10 s and 1 GB on two cores
mapped  a memory-mapped array of 4.3 GB, 87,500 x 12,288 float32: below 1.5 GB

Each in a fresh process, whose peak resident memory counts, all libraries included. Writes
results/forecast-cost.json.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from nelbo.data import load
from nelbo.doctor import forecast
from nelbo.likelihoods import Bernoulli, Gaussian
from nelbo.machine import hardware, peak_memory
from nelbo.train import versions

RESULT = Path(__file__).parent / "results" / "forecast-cost.json"
ROWS, FEATURES, AT_ONCE = 87_500, 12_288, 2_500
PLANTED = (400.0, 200.0, 100.0)  # largest eigenvalues, above noise of variance 1


def write(path: Path) -> None:
    """Write rows with three planted directions in noise of variance 1."""
    random = np.random.default_rng(0)
    axes = np.linalg.qr(random.normal(size=(FEATURES, len(PLANTED))))[0].astype(np.float32)
    array = np.lib.format.open_memmap(path, "w+", np.float32, (ROWS, FEATURES))
    for start in range(0, ROWS, AT_ONCE):
        strengths = random.normal(size=(AT_ONCE, len(PLANTED))) * np.sqrt(np.array(PLANTED) - 1)
        noise = random.standard_normal((AT_ONCE, FEATURES), dtype=np.float32)
        array[start : start + AT_ONCE] = noise + strengths.astype(np.float32) @ axes.T
    array.flush()


def measured(name: str, path: str) -> dict[str, object]:
    """Make one forecast in this process."""
    began = time.perf_counter()
    data = load("mnist").train if name == "mnist" else np.load(path, mmap_mode="r")
    loaded = time.perf_counter()
    found = forecast(data, Bernoulli() if name == "mnist" else Gaussian(variance=1.0))
    return {
        "margin": found.margin,
        "eigenvalues": found.eigenvalues[:5],
        "notes": found.notes,
        "bytes": 60_000 * 784 if name == "mnist" else Path(path).stat().st_size,
        "loading_seconds": loaded - began,
        "seconds": time.perf_counter() - loaded,
        "peak_memory_bytes": peak(),
        "threads": torch.get_num_threads(),
    }


def peak() -> int | None:
    """Return the peak of this process alone: getrusage counts a parent's too."""
    status = Path("/proc/self/status")
    if not status.exists():
        return peak_memory()
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def in_a_process(name: str, path: Path) -> dict[str, object]:
    command = [sys.executable, __file__, "--alone", name, str(path)]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def main() -> None:
    if sys.argv[1:2] == ["--alone"]:
        print(json.dumps(measured(*sys.argv[2:])))
        return
    kept = json.loads(RESULT.read_text()) if RESULT.exists() else {}
    for name in sys.argv[1:] or ["mnist", "mapped"]:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "data.npy"
            if name == "mapped":
                write(path)
            kept[name] = in_a_process(name, path)
        print(name, json.dumps(kept[name], indent=2), flush=True)
        record = {**kept, "planted": PLANTED, "versions": versions(), "hardware": hardware()}
        RESULT.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
