"""Training speed: nelbo, its peers and the limits, in one run, interleaved.

    python benchmarks/throughput.py [--quick] [--networks mlp,conv] [--rounds 9]
        [--contestants nelbo,torch,jax] [--parts race,cost,import] [--python chainer=/path/python]
        [--out results/throughput.json]

mlp     784-500-500-20, tanh, Bernoulli, batch 100, Adam at 1e-3, MNIST
conv    3 x 32 x 32, convolutions 32-64-128, 64 latents, Gaussian, batch 128, Adam at 1e-3, MNIST
        padded and repeated to three channels

Each contestant is a process in its own environment, made here where it is not there, on two
threads; it warms up once, then all take turns, one at a time, a chunk of steps each round.
Medians and quartiles over the rounds; ratios within each round, then their median. A limit is the
step's matrix products alone, with the fastest kernel that was found, and the optimiser's traffic.

Also: seconds to a test ELBO, computed from everybody's weights by one function; time to the first
step from the start of the process; peak memory above the bare framework; seconds a step as batch,
width and data grow; what `import nelbo` costs beyond torch. Writes results/throughput.json.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "contestants"))

from racing.costs import costs, imports
from racing.field import CONTESTANTS, SEED, Field
from racing.race import race, show

from nelbo.machine import hardware
from nelbo.train import versions

RESULT = Path(__file__).parent / "results" / "throughput.json"
ROUNDS, IMPORTS = 9, 7
FLAGS = ("avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile", "amx_bf16")


def machine():
    """Return the hardware, and those of the processor's abilities that matter here."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    flags = next((line.split() for line in lines if line.startswith("flags")), [])
    return {**hardware(), "flags": [flag for flag in FLAGS if flag in flags], "threads": 2}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="two short rounds, to see it work")
    parser.add_argument("--networks", default="mlp,conv")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--contestants", default=",".join(CONTESTANTS))
    parser.add_argument("--parts", default="race,cost,import")
    parser.add_argument("--python", action="append", default=[], help="ENVIRONMENT=INTERPRETER")
    parser.add_argument("--out", type=Path, default=RESULT)
    given = parser.parse_args()
    unknown = set(given.contestants.split(",")) - CONTESTANTS.keys()
    if unknown:
        parser.error(f"unknown contestants {sorted(unknown)}; known: {', '.join(CONTESTANTS)}")
    return given


def main():
    given = arguments()
    rounds = given.rounds or (2 if given.quick else ROUNDS)
    field = Field(given.contestants.split(","), (one.split("=", 1) for one in given.python))
    parts = given.parts.split(",")
    kept = json.loads(given.out.read_text()) if given.out.exists() else {}

    def keep(**more):
        kept.update(more)
        kept.update(
            date=datetime.date.today().isoformat(),
            seed=SEED,
            versions=versions(),
            hardware=machine(),
        )
        given.out.parent.mkdir(exist_ok=True)
        given.out.write_text(json.dumps(kept, indent=2) + "\n")

    for network in given.networks.split(",") if "race" in parts else ():
        load = os.getloadavg()[0]
        found = race(field, network, rounds, given.quick)
        keep(**{network: {**found, "load_before": load, "quick": given.quick}})
        show(network, found)
    if "cost" in parts:
        keep(cost={**costs(field, given.quick), "quick": given.quick})
    if "import" in parts:
        keep(import_seconds=imports(1 if given.quick else IMPORTS))
        print(f"import nelbo: {kept['import_seconds']['beyond_torch']:.2f} s beyond torch")


if __name__ == "__main__":
    main()
