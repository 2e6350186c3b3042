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
import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "contestants"))

from child import Absent, Child
from common import BATCH, JOB, WARM_UP
from common_elbo import common_elbo
from environments import ENVIRONMENTS
from startup import seconds as import_seconds

from nelbo.machine import hardware
from nelbo.train import versions

RESULT = Path(__file__).parent / "results" / "throughput.json"
SEED = 0
ROUNDS, COST_ROUNDS, IMPORTS = 9, 3, 7
STEPS = {"mlp": 300, "conv": 20}  # a chunk, at most
CONV_SECONDS = 3.0  # a chunk, at most
TARGETS = (-120.0, -115.0)  # nats
FLAGS = ("avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile", "amx_bf16")


@dataclass(frozen=True)
class Contestant:
    script: str
    environment: str
    variant: str = "fp32"


CONTESTANTS = {
    "nelbo": Contestant("nelbo_fit", "here", "fp32-compiled"),
    "nelbo-bf16": Contestant("nelbo_fit", "here", "bf16-compiled"),
    "nelbo-started": Contestant("nelbo_fit", "here", "bf16-compiled-started"),
    "nelbo-eager": Contestant("nelbo_fit", "here", "fp32-eager"),
    "nelbo-watched": Contestant("nelbo_fit", "here", "fp32-watched"),
    "torch": Contestant("plain_torch", "here"),
    "torch-compiled": Contestant("plain_torch", "here", "fp32-compiled"),
    "torch-compiled-bf16": Contestant("plain_torch", "here", "bf16-compiled"),
    "torch-tutorial": Contestant("tutorial_torch", "here"),
    "pythae": Contestant("pythae_trainer", "peers"),
    "chainer": Contestant("chainer_updater", "chainer"),
    "jax": Contestant("jax_loop", "jax"),
    "jax-bf16": Contestant("jax_loop", "jax", "bf16"),
    "limit-torch-fp32": Contestant("limits_torch", "here"),
    "limit-torch-bf16": Contestant("limits_torch", "here", "bf16"),
    "limit-jax-fp32": Contestant("limits_jax", "jax"),
    "limit-jax-bf16": Contestant("limits_jax", "jax", "bf16"),
}
NUMERATORS = ("nelbo", "nelbo-bf16", "nelbo-eager", "nelbo-watched")
NOTES = {
    "conv": [
        "Pythae's loss has a Gaussian of variance 1, the others' 0.1: the same arithmetic.",
        "No seconds to an ELBO; no limit in JAX. A chunk is as many steps as fit in 3 s.",
    ],
    "mlp": ["torch-tutorial's pictures go through PIL one by one, as torchvision's do."],
}
COSTS = {
    "contestants": ("nelbo", "nelbo-eager", "torch", "jax"),
    "batch": (20, 100, 500),
    "width": (250, 500, 1000),
    "images": (15_000, 60_000, 240_000),
}


class Field:
    """Who takes part, and with which interpreters."""

    def __init__(self, names, pythons):
        self.names, self.pythons = names, dict(pythons)

    def start(self, name, job):
        """Return a contestant, set up and past its first step; its environment may be made first.

        Raises:
            Absent: it cannot take part.
        """
        who = CONTESTANTS[name]
        if who.environment not in self.pythons:
            try:
                self.pythons[who.environment] = ENVIRONMENTS[who.environment]()
            except Exception as error:  # whatever keeps an environment from being made
                raise Absent(f"no environment: {error!r}"[:300]) from error
        python = self.pythons[who.environment]
        return Child(python, who.script, {**JOB, **job, "variant": who.variant, "seed": SEED})

    def start_all(self, names, job):
        """Return the contestants that can take part, and why the others cannot."""
        started, absent = {}, {}
        for name in names:
            try:
                started[name] = self.start(name, job)
                print(f"{name}: ready after {started[name].ready:.1f} s", flush=True)
            except Absent as reason:
                absent[name] = str(reason)
                print(f"{name}: absent: {reason}", flush=True)
        return started, absent


def race(field, network, rounds, quick):
    """Let all train in turns; return what each did."""
    children, absent = field.start_all(field.names, {"network": network, "batch": BATCH[network]})
    tracks = {}
    for name, child in children.items():
        learns = network == "mlp" and not name.startswith("limit-")
        tracks[name] = Track(child, network, quick, learns)
    for index in range(rounds):
        names = list(tracks)
        for name in names[index % len(names) :] + names[: index % len(names)] if names else ():
            tracks[name].chunk()
        print(f"{network}: round {index + 1} of {rounds}", flush=True)
    found = {name: track.summary() for name, track in tracks.items()}
    for child in children.values():
        child.close()
    speeds = {name: track.speeds for name, track in tracks.items()}
    speeds |= limits(speeds)
    for name, series in limits(speeds).items():
        found[name] = {"images_per_second": quartiles(series)}
    return {
        "batch": BATCH[network],
        "rounds": rounds,
        "contestants": found,
        "ratios": ratios(speeds),
        "absent": absent,
        "notes": NOTES[network],
    }


class Track:
    """One contestant's way through the race."""

    def __init__(self, child, network, quick, learns):
        self.child, self.batch = child, BATCH[network]
        self.learns = learns
        warm = WARM_UP[network]
        speed = child.run(warm)
        self.steps = min(STEPS[network], 20) if quick else STEPS[network]
        if network == "conv":
            fit = int(CONV_SECONDS * speed / self.batch) // 5 * 5
            self.steps = max(5, min(self.steps, fit))
        self.speeds, self.trained = [], warm + 1
        self.seconds = child.first_step + warm * self.batch / speed
        self.curve = []

    def chunk(self):
        self.speeds.append(self.child.run(self.steps))
        self.trained += self.steps
        self.seconds += self.steps * self.batch / self.speeds[-1]
        if self.learns:
            with tempfile.TemporaryDirectory() as folder:
                path = f"{folder}/weights.npz"
                self.child.ask("weights", path=path)
                self.curve.append((self.trained, self.seconds, common_elbo(path)))

    def summary(self):
        setup, speed = self.child.setup, quartiles(self.speeds)
        peak, bare = self.child.ask("memory")["peak"], setup["bare"]
        extra = {n: v for n, v in setup.items() if n not in ("seconds", "bare")}
        elbo = [dict(zip(("steps", "seconds", "elbo"), at, strict=True)) for at in self.curve]
        return {
            "images_per_second": speed,
            "ms_a_step": 1e3 * self.batch / speed["median"],
            "steps_a_chunk": self.steps,
            "first_step_after_seconds": self.child.ready,
            "first_step_seconds": self.child.first_step,
            "peak_memory_bytes": peak,
            "above_bare_framework_bytes": peak - bare,
            "test_elbo": elbo,
            "training_seconds_to_elbo": {str(t): reached(self.curve, t) for t in TARGETS},
            **extra,
        }


def reached(curve, target):
    """Return the training seconds at which the test ELBO passed a target, between evaluations."""
    for (_, t0, e0), (_, t1, e1) in zip(curve, curve[1:], strict=False):
        if e0 < target <= e1:
            return t0 + (t1 - t0) * (target - e0) / (e1 - e0)
    return curve[0][1] if curve and curve[0][2] >= target else None


def limits(speeds):
    """Return, for each precision, the better limit of every round."""
    found = {}
    for precision in ("fp32", "bf16"):
        of = [s for n, s in speeds.items() if n.startswith("limit-") and n.endswith(precision)]
        if of:
            found[f"limit {precision}"] = [max(one) for one in zip(*of, strict=True)]
    return found


def ratios(speeds):
    """Return nelbo's speed over everybody's: the median of the ratios within the rounds."""
    return {
        over: {
            name: statistics.median(a / b for a, b in zip(speeds[over], series, strict=True))
            for name, series in speeds.items()
            if name != over
        }
        for over in NUMERATORS
        if over in speeds
    }


def quartiles(values):
    low, median, high = statistics.quantiles(values, n=4) if len(values) > 1 else (values[0],) * 3
    return {"median": median, "quartiles": [low, high], "rounds": values}


def costs(field, quick):
    """Return ms a step and peak memory as batch, width and data grow, one at a time."""
    found = {}
    names = [name for name in COSTS["contestants"] if name in field.names]
    for axis in ("batch", "width", "images"):
        values = COSTS[axis][1:2] if quick else COSTS[axis]
        found[axis] = {str(value): cost(field, names, axis, value, quick) for value in values}
    for name in names:
        memory = {at: by[name]["peak_memory_bytes"] for at, by in found["images"].items()
                  if name in by}  # fmt: skip
        small, large = (str(value) for value in COSTS["images"][1:])
        if {small, large} <= memory.keys():
            added = 784 * (int(large) - int(small))
            slope = (memory[large] - memory[small]) / added
            found.setdefault("peak_memory_bytes_a_byte_of_data", {})[name] = slope
    return found


def cost(field, names, axis, value, quick):
    children, _ = field.start_all(names, {axis: value})
    batch = value if axis == "batch" else JOB["batch"]
    speeds = {name: [] for name in children}
    for child in children.values():
        child.run(20)
    for _ in range(1 if quick else COST_ROUNDS):
        for name, child in children.items():
            speeds[name].append(child.run(20 if quick else 60))
    found = {}
    for name, child in children.items():
        ms = 1e3 * batch / statistics.median(speeds[name])
        found[name] = {"ms_a_step": ms, "peak_memory_bytes": child.ask("memory")["peak"]}
        child.close()
    print(
        axis, value, {name: round(one["ms_a_step"], 2) for name, one in found.items()}, flush=True
    )
    return found


def imports(repetitions):
    """Return the seconds that `import nelbo` takes beyond `import torch`."""
    times = {"torch": [], "nelbo": []}
    for _ in range(repetitions):
        for module, found in times.items():
            found.append(import_seconds(module))
    medians = {module: statistics.median(found) for module, found in times.items()}
    return {**medians, "beyond_torch": medians["nelbo"] - medians["torch"]}


def machine():
    """Return the hardware, and those of the processor's abilities that matter here."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    flags = next((line.split() for line in lines if line.startswith("flags")), [])
    return {**hardware(), "flags": [flag for flag in FLAGS if flag in flags], "threads": 2}


def show(network, found):
    print(f"\n{network}, batch {found['batch']}: images per second, median of {found['rounds']}")
    over = next(iter(found["ratios"]), None)
    by_speed = sorted(
        found["contestants"].items(), key=lambda item: -item[1]["images_per_second"]["median"]
    )
    for name, one in by_speed:
        speed = one["images_per_second"]
        low, high = speed["quartiles"]
        ratio = found["ratios"].get(over, {}).get(name, 1.0)
        compared = f"  {over} is {ratio:.2f} x" if over else ""
        to_elbo = one.get("training_seconds_to_elbo", {}).get(str(TARGETS[-1]))
        until = f"  {to_elbo:6.1f} s to {TARGETS[-1]}" if to_elbo else ""
        print(f"{name:22} {speed['median']:9,.0f}  ({low:,.0f} - {high:,.0f}){compared}{until}")
    for name, reason in found["absent"].items():
        print(f"{name:22} absent: {reason}")


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
