"""Steps on 1 to 512 GPUs, for every model, plan and way to set the batch."""

from __future__ import annotations

from scaling.cluster import MB, MODELS, Machine, Plan
from scaling.cost import simulate

COUNTS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
PLANS = {
    "DDP": Plan(),
    "no overlap": Plan(overlap=False),
    "bf16 gradients": Plan(gradient=2.0),
    "buckets of 100 MB": Plan(bucket=100 * MB),
    "4 x the batch": Plan(times=4),
    "tree": Plan(tree=True),
    "tree, bf16 gradients": Plan(tree=True, gradient=2.0),
    "tree, bf16, 4 x the batch": Plan(tree=True, gradient=2.0, times=4),
    "FSDP": Plan(shard="full", gradient=2.0),
    "hybrid": Plan(shard="node", gradient=2.0),
    "hybrid, tree": Plan(shard="node", tree=True, gradient=2.0),
}


def simulated(machine: Machine) -> list[dict]:
    """Return a line for every model, plan, number of GPUs, and way to set the batch."""
    found = []
    for model in MODELS:
        for name, plan in PLANS.items():
            for n in COUNTS:
                for way, batch in (("weak", model.batch), ("strong", model.whole / n)):
                    batch *= plan.times
                    if batch < 1:
                        continue
                    whole = batch if way == "weak" else model.whole * plan.times
                    one = simulate(model, 1, whole, machine, plan)
                    step = simulate(model, n, batch, machine, plan)
                    ideal = one["seconds"] if way == "weak" else one["seconds"] / n
                    found.append({
                        "model": model.name, "plan": name, "gpus": n, "way": way,
                        "batch_per_gpu": batch, "efficiency": ideal / step["seconds"],
                        "examples_per_second": n * batch / step["seconds"], **step,
                    })  # fmt: skip
    return found
