"""How a step and its memory grow; what importing costs."""

from __future__ import annotations

import statistics

from common import JOB
from startup import seconds as import_seconds

COST_ROUNDS = 3
COSTS = {
    "contestants": ("nelbo", "nelbo-eager", "torch", "jax"),
    "batch": (20, 100, 500),
    "width": (250, 500, 1000),
    "images": (15_000, 60_000, 240_000),
}


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
