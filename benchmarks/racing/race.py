"""All train in turns: images per second, seconds to an ELBO, ratios within each round."""

from __future__ import annotations

import statistics
import tempfile

from common import BATCH, WARM_UP
from common_elbo import common_elbo

STEPS = {"mlp": 300, "conv": 20}  # a chunk, at most
CONV_SECONDS = 3.0  # a chunk, at most
TARGETS = (-120.0, -115.0)  # nats
NUMERATORS = ("nelbo", "nelbo-bf16", "nelbo-eager", "nelbo-watched")
NOTES = {
    "conv": [
        "Pythae's loss has a Gaussian of variance 1, the others' 0.1: the same arithmetic.",
        "No seconds to an ELBO; no limit in JAX. A chunk is as many steps as fit in 3 s.",
    ],
    "mlp": ["torch-tutorial's pictures go through PIL one by one, as torchvision's do."],
}


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
