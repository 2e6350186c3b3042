"""What was found, as a picture and as tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from scaling.cluster import GB, MODELS
from scaling.simulated import PLANS

COLOURS = ("#0b63a5", "#b93a0b", "#3d7a2a")
GREY = "#5c6470"


def draw(found: dict, picture: Path) -> None:
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
    FigureCanvasAgg(figure).print_png(picture)


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
