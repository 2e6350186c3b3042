"""How training scales over processes: python benchmarks/scale.py [--rounds 30] [--simulate].

1. Two processes with a thread each are measured here (gloo, loopback): a step alone, a step while
   the other process computes too, a step together, and the all-reduce by itself. The cost model
   says from the other three what a step together takes; what it says is compared with the clock.
2. The same model goes bucket by bucket through steps on 1 to 512 GPUs, for three sizes of models.

Writes results/scale.json and docs/scale.png; `--simulate` leaves what was measured as it is.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

import nelbo
from nelbo.machine import hardware
from nelbo.objectives import ELBO
from nelbo.rng import seeded
from nelbo.train import versions
from nelbo.train.adam import Adam
from nelbo.train.step import Step
from nelbo.world import joined, leave

RESULT = Path(__file__).parent / "results" / "scale.json"
PICTURE = Path(__file__).parents[1] / "docs" / "scale.png"
PAGE = PICTURE.with_suffix(".md")
MB, GB, TERA = 1e6, 1e9, 1e12

# --- the machine -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Machine:
    """A cluster. Rates are per GPU and direction; what is no datasheet's is an assumption.

    H100 SXM5, NVIDIA's datasheet: 989 TFLOP/s dense bf16, HBM3 at 3.35 TB/s, 80 GB, NVLink 900
    GB/s in both directions together. DGX H100, its user guide: 8 GPUs a node and for each of them
    a 400 Gb/s InfiniBand port.
    """

    flops: float = 989 * TERA
    memory: float = 3.35e12
    nvlink: float = 450 * GB
    infiniband: float = 50 * GB
    node: int = 8
    # assumptions
    reached_flops: float = 0.4  # of the peak, in large matrix products
    reached_memory: float = 0.8
    reached_links: float = 0.8
    launch: float = 5e-6  # seconds of a layer's kernels that no size undercuts, forward
    near: float = 2e-6  # seconds of a hop over NVLink
    far: float = 6e-6  # and over InfiniBand

    def bandwidth(self, n: int) -> float:
        """Bytes a second around a ring: beyond a node its 8 rails carry an eighth each."""
        between = self.nvlink if n <= self.node else min(self.nvlink, self.infiniband * self.node)
        return between * self.reached_links

    def hop(self, n: int) -> float:
        """Seconds of a mean hop of a ring: one of a node's 8 leaves it."""
        return self.near if n <= self.node else self.near + (self.far - self.near) / self.node


@dataclass(frozen=True)
class Plan:
    """How the processes train. Bytes are a parameter's."""

    bucket: float = 25 * MB  # DDP's own; its first has 1 MB
    overlap: bool = True
    tree: bool = False  # latency grows as log n instead of n
    gradient: float = 4.0  # bytes a gradient has on the wire
    shard: str = "none"  # or "full": over all GPUs, or "node": within a node
    times: float = 1.0  # the batch of a GPU


@dataclass(frozen=True)
class Layer:
    """Weights, each used `uses` times an example; what is read and written of activations."""

    parameters: float
    uses: float
    activations: float  # bytes an example


@dataclass(frozen=True)
class Model:
    """A VAE as a row of layers, encoder and decoder alike."""

    name: str
    layers: tuple[Layer, ...]
    batch: int  # a GPU, where it stays the same
    whole: int  # of all GPUs, where that stays the same

    @property
    def parameters(self) -> float:
        return sum(layer.parameters for layer in self.layers)


def mlp(sizes: Sequence[int]) -> tuple[Layer, ...]:
    """Layers of a fully connected network: each weight is used once an example."""
    pairs = zip(sizes[:-1], sizes[1:], strict=True)
    return tuple(Layer(a * b + b, 1.0, 2.0 * (a + b)) for a, b in pairs)


def residual(depth: int, width: int, places: int) -> tuple[Layer, ...]:
    """Layers of a residual network: each weight is used at every place of a feature map."""
    return (Layer(9.0 * width * width, places, 3 * 2.0 * width * places),) * depth


MODELS = (
    Model("MLP 500-500, MNIST: 1.3 M", mlp((784, 500, 500, 40, 20, 500, 500, 784)), 128, 1024),
    Model("residual, 64 x 64: 113 M", residual(48, 512, 16 * 16), 32, 2048),
    Model("residual, 256 x 256: 2.1 B", residual(100, 1536, 32 * 32), 8, 1024),
)

# --- the cost model --------------------------------------------------------------------------


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


# --- what is simulated -----------------------------------------------------------------------

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


# --- what is measured ------------------------------------------------------------------------

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


def measured(rounds: int) -> dict:
    """Launch two processes and compare the model with what they measured."""
    path = RESULT.with_suffix(".clocks")
    words = ["--standalone", "--nproc-per-node", "2", __file__, "--worker", str(path)]
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


# --- the picture -----------------------------------------------------------------------------

COLOURS = ("#0b63a5", "#b93a0b", "#3d7a2a")
GREY = "#5c6470"


def draw(found: dict) -> None:
    """Three panels: the model against the clock, and both ways to scale."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 4.2), dpi=160, layout="constrained")
    checked, weak, strong = figure.subplots(1, 3, width_ratios=(1, 1.25, 1.25))
    if "measured" in found:
        _draw_checked(checked, found["measured"]["cases"])
    for panel, way, title in (
        (weak, "weak", "A fixed batch on each GPU"),
        (strong, "strong", "A fixed batch in all"),
    ):
        for model, colour in zip(MODELS, COLOURS, strict=True):
            for name, style in (("DDP", "-"), (BEST[model.name][way], "--")):
                lines = [
                    line
                    for line in found["simulated"]
                    if (line["model"], line["plan"], line["way"]) == (model.name, name, way)
                ]
                label = model.name if name == "DDP" else f"   {name}"
                panel.plot(
                    [line["gpus"] for line in lines],
                    [100 * line["efficiency"] for line in lines],
                    style, color=colour, lw=1.8, marker="o", ms=3.2, label=label,
                )  # fmt: skip
        panel.set(xscale="log", xlabel="GPUs (simulated)", ylim=(0, 105))
        panel.set_xticks([1, 8, 64, 512], ["1", "8", "64", "512"])
        panel.minorticks_off()
        panel.set_title(title, loc="left", fontsize=11, fontweight="bold")
        panel.axhline(100, color=GREY, lw=0.8, ls=":")
        # where no line is
        place = (0.01, 0.01) if way == "weak" else (0.2, 0.44)
        panel.legend(frameon=False, fontsize=7.2, loc=place)
    weak.set_ylabel("efficiency, % of one GPU's")
    for panel in (checked, weak, strong):
        panel.spines[["top", "right"]].set_visible(False)
    FigureCanvasAgg(figure).print_png(PICTURE)


BEST = {
    MODELS[0].name: {"weak": "tree, bf16, 4 x the batch", "strong": "tree, bf16, 4 x the batch"},
    MODELS[1].name: {"weak": "tree", "strong": "tree, bf16, 4 x the batch"},
    MODELS[2].name: {"weak": "hybrid", "strong": "tree, bf16, 4 x the batch"},
}


def _draw_checked(panel, cases: Sequence[dict]) -> None:
    places = range(len(cases))
    compute = [1e3 * case["beside_seconds"] for case in cases]
    sending = [1e3 * case["sending_seconds"] for case in cases]
    panel.bar([i - 0.2 for i in places], compute, 0.36, color="#9db8cf", label="model: computing")
    panel.bar(
        [i - 0.2 for i in places], sending, 0.36, bottom=compute, color="#0b63a5",
        label="model: sending",
    )  # fmt: skip
    real = [1e3 * case["together_seconds"] for case in cases]
    panel.bar([i + 0.2 for i in places], real, 0.36, color="#b93a0b", label="measured")
    for i, case in zip(places, cases, strict=True):
        top = max(real[i], compute[i] + sending[i])
        text = f"{100 * case['relative_error']:+.0f}%".replace("-", "\N{MINUS SIGN}")
        panel.text(i, top * 1.02, text, ha="center", va="bottom", fontsize=8, color=GREY)
    names = [f"{c['model'].removeprefix('MLP ')}\nbatch {c['batch_per_process']}" for c in cases]
    panel.set_xticks(list(places), names, fontsize=7.5)
    panel.set_ylabel("milliseconds a step")
    panel.set_title("Two processes, measured", loc="left", fontsize=11, fontweight="bold")
    panel.legend(frameon=False, fontsize=7.5, loc="upper left")


def table(lines: Sequence[dict], way: str) -> str:
    """Return the efficiencies as markdown."""
    rows = ["| model | plan | 8 | 64 | 512 |", "|---|---|---|---|---|"]
    for model in MODELS:
        for plan in PLANS:
            cells = []
            for n in (8, 64, 512):
                found = [
                    line["efficiency"]
                    for line in lines
                    if (line["model"], line["plan"], line["gpus"], line["way"])
                    == (model.name, plan, n, way)
                ]
                cells.append(f"{100 * found[0]:.0f}%" if found else "-")
            rows.append(f"| {model.name} | {plan} | {' | '.join(cells)} |")
    return "\n".join(rows)


def compared(found: dict) -> str:
    """Return what was measured beside what the model says, as markdown."""
    rows = [
        "| model | batch of each | alone | beside another | sending | model | measured | error | "
        "speed-up |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for case in found["cases"]:
        names = ("alone", "beside", "sending", "predicted", "together")
        times = [f"{1e3 * case[f'{name}_seconds']:.1f} ms" for name in names]
        cells = (
            case["model"], str(case["batch_per_process"]), *times,
            f"{100 * case['relative_error']:+.0f}%", f"{case['speedup']:.2f}",
        )  # fmt: skip
        rows.append(f"| {' | '.join(cells)} |")
    wire, where = found["bandwidth_bytes_per_second"] / GB, found["hardware"]
    return "\n".join([
        *rows, "",
        f"Medians of {found['rounds']} rounds on {where['cores']} cores of {where['processor']}; "
        f"the all-reduce alone gives {wire:.2f} GB/s, {1e6 * found['hop_seconds']:.0f} µs a hop. "
        "Speed-up: examples a second against one process alone.",
        "",
    ])  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--simulate", action="store_true")
    parser.add_argument("--worker")
    asked = parser.parse_args()
    if asked.worker:
        worker(asked.worker, asked.rounds)
        return
    before = json.loads(RESULT.read_text()) if RESULT.exists() else {}
    machine = Machine()
    found = {
        **({"measured": before["measured"]} if "measured" in before else {}),
        **({} if asked.simulate else {"measured": measured(asked.rounds)}),
        "machine": replace(machine).__dict__,
        "models": {m.name: m.parameters for m in MODELS},
        "simulated": simulated(machine),
    }
    RESULT.write_text(json.dumps(found, indent=1) + "\n")
    draw(found)
    for way in ("weak", "strong"):
        print(f"\n{way} scaling\n\n{table(found['simulated'], way)}")
    if "measured" in found:
        text = compared(found["measured"])
        print(f"\n{text}")
        start, end = "benchmarks/scale.py -->\n", "<!-- end -->"
        before, _, rest = PAGE.read_text().partition(start)
        _, _, after = rest.partition(end)
        PAGE.write_text(f"{before}{start}\n{text}\n{end}{after}")


if __name__ == "__main__":
    main()
