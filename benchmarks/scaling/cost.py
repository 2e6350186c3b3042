"""The cost model: seconds of a step on n GPUs, bucket by bucket, layer by layer."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from scaling.cluster import MB, Layer, Machine, Model, Plan


# t = 2 (n-1)/n * bytes / bandwidth + 2 (n-1) * hop       Patarasuk & Yuan 2009; Thakur et al. 2005
def all_reduce(size: float, n: int, bandwidth: float, hop: float, tree: bool = False) -> float:
    """Return the seconds of a ring's all-reduce of `size` bytes over n processes."""
    if n == 1:
        return 0.0
    hops = 2 * math.ceil(math.log2(n)) if tree else 2 * (n - 1)
    return 2 * (n - 1) / n * size / bandwidth + hops * hop


def half(size: float, n: int, bandwidth: float, hop: float, tree: bool = False) -> float:
    """Return the seconds of an all-gather or a reduce-scatter: half an all-reduce."""
    return all_reduce(size, n, bandwidth, hop, tree) / 2


def forward(layer: Layer, batch: float, machine: Machine) -> float:
    """Return the seconds of a layer: what its products, its memory or its launch take longest."""
    work = 2 * layer.parameters * layer.uses * batch / (machine.flops * machine.reached_flops)
    moved = 2 * layer.parameters + layer.activations * batch
    return max(work, moved / (machine.memory * machine.reached_memory), machine.launch)


def adam(parameters: float, machine: Machine) -> float:
    """Return the seconds of Adam: 16 bytes of a parameter are read and 12 written."""
    return 28 * parameters / (machine.memory * machine.reached_memory)


@dataclass
class Channel:
    """What sends one thing after the other."""

    free: float = 0.0
    busy: float = 0.0

    def send(self, ready: float, seconds: float) -> float:
        """Send something that is ready then; return when it has arrived."""
        self.free = max(self.free, ready) + seconds
        self.busy += seconds
        return self.free


def buckets(times: Sequence[tuple[float, float]], plan: Plan) -> list[tuple[float, float]]:
    """Return (when it is full, bytes) of every bucket, from (when, bytes) of every gradient."""
    found, held, limit = [], 0.0, 1 * MB
    for when, size in times:
        held += size
        if held >= limit:
            found.append((when, held))
            held, limit = 0.0, plan.bucket
    return [*found, (times[-1][0], held)] if held else found


def step_replicated(
    times: Sequence[tuple[float, float]],
    plan: Plan,
    send: Callable[[float], float],
) -> tuple[float, float]:
    """Go through a backward pass; return when all gradients are there, and the seconds of sending.

    Args:
        times: when each gradient is done, and its bytes, in the order of the backward pass.
        plan: the buckets, and whether sending goes on beside computing.
        send: seconds of so many bytes.
    """
    channel, end = Channel(), times[-1][0]
    for ready, size in buckets(times, plan):
        channel.send(ready if plan.overlap else end, send(size))
    return max(end, channel.free), channel.busy


def simulate(model: Model, n: int, batch: float, machine: Machine, plan: Plan) -> dict[str, float]:
    """Return what a step on n GPUs takes, `batch` examples on each."""
    ways = [forward(layer, batch, machine) for layer in model.layers]
    bandwidth, hop = machine.bandwidth(n), machine.hop(n)
    clock = sum(ways)
    compute = 3 * clock
    if plan.shard == "none":
        times = []
        for layer, seconds in zip(reversed(model.layers), reversed(ways), strict=True):
            clock += 2 * seconds
            times.append((clock, plan.gradient * layer.parameters))
        end, busy = step_replicated(
            times, plan, lambda size: all_reduce(size, n, bandwidth, hop, plan.tree)
        )
        held = model.parameters
    else:
        end, busy = _sharded(model, ways, n, machine, plan)
        held = model.parameters / (n if plan.shard == "full" else min(n, machine.node))
    optimiser = adam(held, machine)
    return {
        "seconds": end + optimiser,
        "compute": compute + optimiser,
        "exposed": end - compute,
        "sending": busy,
        "memory": 16 * held,  # weight, gradient and both moments, in single precision
    }


def _sharded(
    model: Model, ways: Sequence[float], n: int, machine: Machine, plan: Plan
) -> tuple[float, float]:
    """Go through both passes, with each layer's weights gathered a layer ahead of its turn."""
    group = n if plan.shard == "full" else min(n, machine.node)
    inside = (machine.bandwidth(group), machine.hop(group), plan.tree)
    nodes, own = n // group, machine.infiniband * machine.reached_links
    channel, rails, clock = Channel(), Channel(), 0.0
    turns = [(layer, seconds, False) for layer, seconds in zip(model.layers, ways, strict=True)]
    turns += [(layer, 2 * seconds, True) for layer, seconds, _ in reversed(turns)]
    started = 0.0
    for layer, seconds, back in turns:
        # asked for when the layer before began: its weights travel while that one computes
        there = channel.send(started, half(2 * layer.parameters, group, *inside))
        started = max(clock, there)
        clock = started + seconds
        if back:
            size = plan.gradient * layer.parameters
            scattered = channel.send(clock, half(size, group, *inside))
            # between nodes each GPU adds up its own part over its own rail, beside the rest
            rails.send(scattered, all_reduce(size / group, nodes, own, machine.far, plan.tree))
    return max(clock, channel.free, rails.free), channel.busy + rails.busy
