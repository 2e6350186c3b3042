"""The page of what things cost, from what was measured: python docs/make_speed.py.

Reads benchmarks/results/*.json, writes speed.md and speed.png; measures nothing.
"""

from __future__ import annotations

import json
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt  # noqa: E402

DOCS = Path(__file__).parent
RESULTS = DOCS.parent / "benchmarks" / "results"
INK, QUIET, BAR, OURS, LIMIT = "#16191f", "#5c6470", "#ccd1d9", "#0b63a5", "#e3e5ea"
NAMES = {
    "nelbo-bf16": "nelbo, bf16, compiled",
    "nelbo-started": "nelbo, bf16, compiled, started at the mean",
    "nelbo": "nelbo, compiled",
    "nelbo-eager": "nelbo, uncompiled",
    "jax": "JAX, jit and scan",
    "jax-bf16": "JAX, bf16",
    "torch": "PyTorch, data in memory, fused Adam",
    "torch-compiled": "PyTorch, torch.compile",
    "torch-compiled-bf16": "PyTorch, torch.compile, bf16",
    "torch-tutorial": "PyTorch, DataLoader, as in tutorials",
    "pythae": "Pythae 0.1.2",
    "chainer": "Chainer 5.0.0",
    "limit fp32": "limit: matrix products alone, fp32",
    "limit bf16": "limit: matrix products alone, bf16",
}
TARGET = "-115.0"
NETWORKS = {
    "mlp": "784-500-500-20, batch 100, MNIST",
    "conv": "convolutions 32-64-128 on 3 × 32 × 32, batch 128",
}


def read(name):
    return json.loads((RESULTS / f"{name}.json").read_text())


def speeds(race):
    """Return (name, median, quartiles) of a race, the fastest first."""
    found = []
    for key, name in NAMES.items():
        if key in race["contestants"]:
            row = race["contestants"][key]["images_per_second"]
            found.append((name, row["median"], row["quartiles"]))
    return sorted(found, key=lambda row: -row[1])


def picture(throughput):
    """Draw the races as bars: what is ours in blue, limits hollow."""
    races = [key for key in NETWORKS if key in throughput]
    heights = [len(speeds(throughput[key])) for key in races]
    figure, axes = plt.subplots(
        len(races), 1, figsize=(9, 0.34 * sum(heights) + 1.1 * len(races)),
        gridspec_kw={"height_ratios": heights}, squeeze=False,
    )  # fmt: skip
    for axis, key in zip(axes[:, 0], races, strict=True):
        rows = speeds(throughput[key])[::-1]
        for i, (name, median, (low, high)) in enumerate(rows):
            ours, limit = name.startswith("nelbo"), name.startswith("limit")
            colour = OURS if ours else LIMIT if limit else BAR
            axis.barh(i, median, color=colour, height=0.72)
            axis.plot([low, high], [i, i], color=QUIET, linewidth=1)
            weight = "bold" if ours else "normal"
            axis.text(
                high, i, f"  {median:,.0f}", va="center", color=INK, fontsize=9, weight=weight
            )
        axis.set_yticks(range(len(rows)), [row[0] for row in rows], fontsize=9, color=INK)
        axis.set_title(NETWORKS[key], loc="left", fontsize=10.5, color=INK, weight="bold")
        axis.set_xlim(0, 1.16 * max(row[2][1] for row in rows))
        axis.set_xticks([])
        axis.tick_params(length=0)
        axis.spines[:].set_visible(False)
    axes[-1, 0].set_xlabel(
        "images per second on two cores: median of the rounds, line from quartile to quartile",
        fontsize=9, color=QUIET, loc="left",
    )  # fmt: skip
    figure.tight_layout()
    figure.savefig(DOCS / "speed.png", dpi=160)


def table(head, rows):
    """Return a table in Markdown."""
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def race_table(race):
    ratios = race["ratios"]["nelbo"]
    half = race["ratios"].get("nelbo-bf16", {})
    rows = []
    for key, name in NAMES.items():
        if key not in race["contestants"]:
            continue
        found = race["contestants"][key]
        seconds = found.get("training_seconds_to_elbo", {}).get(TARGET)
        rows.append(
            [
                name,
                f"{found['images_per_second']['median']:,.0f}",
                *(f"{r[key]:.2f}" if key in r else "" for r in (ratios, half)),
                f"{seconds:.0f}" if seconds else "",
            ]
        )
    rows.sort(key=lambda row: -float(row[1].replace(",", "")))
    head = [
        "",
        "images/s",
        "nelbo is × as fast",
        "nelbo, bf16",
        f"seconds to a test ELBO of {TARGET}",
    ]
    return table(head, rows)


def break_even_table(found):
    rows = [
        [
            name,
            f"{case['seconds_of_compiling']:.0f}",
            f"{case['ms_uncompiled']:.2f}",
            f"{case['ms_compiled']:.2f}",
            f"{case['steps_to_break_even']:,}" if case["steps_to_break_even"] else "never",
        ]
        for name, case in found["cases"].items()
    ]
    head = ["", "compiling, s", "uncompiled, ms a step", "compiled, ms", "pays after, steps"]
    return table(head, rows)


def precision_table(found):
    rows = [
        [
            f"`{name}`, seed {row['seed']}",
            f"{row['fp32']:.2f}",
            f"{row['bf16']:.2f}",
            f"{row['difference']:+.2f}",
        ]
        for name, case in found["likelihoods"].items()
        for row in case["seeds"]
    ]
    return table(["", "fp32", "bf16", "difference, nats"], rows)


def page():
    throughput, even, precision = (read(n) for n in ("throughput", "break-even", "precision"))
    bound, overhead = read("importance"), read("overhead")
    races = "\n\n".join(
        f"**{title}**\n\n{race_table(throughput[key])}"
        for key, title in NETWORKS.items()
        if key in throughput
    )
    machine = throughput["hardware"]
    share, minutes = bound["share_of_the_matrix_products"], bound["minutes_for_10000_images"]
    peaks = bound["peak_bytes"]
    costs, memory = overhead["batch"]["100"]["overhead_ms"], overhead["memory"]
    above = max(memory["above_bare_framework_over_data"].values())
    plain = memory["above_bare_framework_over_data"]["eager"]
    return f"""# What things cost

Written by `docs/make_speed.py` from `benchmarks/results`: {machine["processor"]},
{machine["cores"]} cores, {throughput["date"]}, PyTorch {throughput["versions"]["torch"]}.
Ratios were taken within one run, contestants in turns; on another processor they differ, and
`python benchmarks/throughput.py` makes all environments itself and measures them there.

![Images per second of nelbo, its peers and the limits](speed.png)

{races}

Empty: not reached, or the contestant itself. The seconds count everything from the first step on,
compiling too.

## Compiling a step

`compile=True`, `nelbo train --compile`. By default it is done from 15,000 steps on, and never for
convolutions on a processor. The first case pays for the compiler's imports too.

{break_even_table(even)}

Where there is no C++ compiler, or a module does what cannot be compiled, training says so and goes
on uncompiled; the numbers are the same to rounding.

## bf16

`precision="bf16"`: the networks' arithmetic only; weights, densities and the optimiser stay in
fp32. Test ELBO after {precision["epochs"]} epochs of binarised MNIST, in nats:

{precision_table(precision)}

`precision="auto"` takes it where the machine is clearly faster with it and the likelihood is one
that was measured to bear it: the Bernoulli.

## The importance-weighted bound

5000 samples: {100 * share["compiled"]:.0f} % of the speed of the decoder's matrix products alone
when compiled, {100 * share["uncompiled"]:.0f} % uncompiled; {minutes["compiled"]:.0f} minutes for
the 10,000 test images. Peak memory of the process: {peaks["5000"] / 1e9:.2f} GB with 5000 samples,
{peaks["50"] / 1e9:.2f} GB with 50.

## What nelbo itself costs

Milliseconds a step that `fit` adds to the same arithmetic in a bare PyTorch loop, at batch 100:

{table(["", "ms"], [[way, f"{ms:+.2f}"] for way, ms in costs.items()])}

Peak memory above the bare framework while training on MNIST: {plain:.1f} times its 47 MB
uncompiled, {above:.1f} times with the compiler in memory.
"""


def main():
    picture(read("throughput"))
    (DOCS / "speed.md").write_text(page())


if __name__ == "__main__":
    main()
