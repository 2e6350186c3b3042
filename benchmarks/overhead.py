"""What nelbo itself costs: python benchmarks/overhead.py [--quick].

Milliseconds a step: `fit` on a model with next to no arithmetic (one feature, hidden layers of one
unit, one latent), less the same arithmetic in a bare PyTorch loop; eager and compiled, without
callbacks and with those that `fit` has by default. In turns, after a warm-up, medians over the
repetitions.

Bytes: peak resident memory of training on MNIST above that of the bare loop on the tiny model,
over the 47 million bytes of MNIST's images. Writes results/overhead.json.
"""

from __future__ import annotations

import datetime
import json
import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "contestants"))

from child import Child
from common import JOB, THREADS

from nelbo.machine import hardware
from nelbo.train import versions

RESULT = Path(__file__).parent / "results" / "overhead.json"
BARE = "bare PyTorch"
WAYS = {
    BARE: ("plain_torch", "fp32"),
    "eager": ("nelbo_fit", "fp32-eager"),
    "eager, default callbacks": ("nelbo_fit", "fp32-eager-watched"),
    "compiled": ("nelbo_fit", "fp32-compiled"),
    "compiled, default callbacks": ("nelbo_fit", "fp32-compiled-watched"),
}
BATCHES, REPETITIONS = (100,), 7
STEPS, EPOCH = 500, 2000  # a repetition; what an epoch has
MNIST_BYTES = 60_000 * 784


def started(way, **job):
    script, variant = WAYS[way]
    return Child(sys.executable, script, {**JOB, **job, "variant": variant})


def ms_a_step(batch, repetitions):
    """Return the medians of all ways, and of what they add to the bare loop, in ms a step."""
    job = {"network": "tiny", "batch": batch, "images": EPOCH * batch}
    children = {way: started(way, **job) for way in WAYS}
    times = {way: [] for way in WAYS}
    for child in children.values():
        child.run(STEPS)
    for _ in range(repetitions):
        for way, child in children.items():
            times[way].append(1e3 * batch / child.run(STEPS))
    for child in children.values():
        child.close()
    added = {
        way: statistics.median(a - b for a, b in zip(found, times[BARE], strict=True))
        for way, found in times.items()
        if way != BARE
    }
    medians = {way: statistics.median(found) for way, found in times.items()}
    return {"ms_a_step": medians, "overhead_ms": added, "repetitions": times}


def peak(way, steps, **job):
    child = started(way, **job)
    child.run(steps)
    found = child.ask("memory")["peak"]
    child.close()
    return found


def memory(steps):
    """Return the peaks on MNIST, and how far above the bare framework they are, over the data."""
    framework = peak(BARE, 50, network="tiny", images=EPOCH * JOB["batch"])
    peaks = {way: peak(way, steps) for way in WAYS}
    above = {way: (bytes_ - framework) / MNIST_BYTES for way, bytes_ in peaks.items()}
    return {
        "bare_framework_bytes": framework,
        "peak_bytes": peaks,
        "data_bytes": MNIST_BYTES,
        "above_bare_framework_over_data": above,
    }


def main():
    quick = "--quick" in sys.argv
    batches, repetitions = (BATCHES[-1:], 2) if quick else (BATCHES, REPETITIONS)
    result = {"batch": {str(batch): ms_a_step(batch, repetitions) for batch in batches}}
    for batch, found in result["batch"].items():
        print(f"batch {batch}, ms a step:", rounded(found["ms_a_step"]))
        print(f"batch {batch}, ms above the bare loop:", rounded(found["overhead_ms"]))
    result["memory"] = memory(20 if quick else 200)
    over = rounded(result["memory"]["above_bare_framework_over_data"])
    print("memory above the bare framework, in MNIST's bytes:", over)
    result |= {
        "quick": quick,
        "seed": JOB["seed"],
        "date": datetime.date.today().isoformat(),
        "versions": versions(),
        "hardware": {**hardware(), "threads": THREADS},
    }
    if not quick:
        RESULT.parent.mkdir(exist_ok=True)
        RESULT.write_text(json.dumps(result, indent=2) + "\n")


def rounded(found):
    return {name: round(value, 3) for name, value in found.items()}


if __name__ == "__main__":
    main()
