"""The forecast against reality: does a VAE learn exactly where its margin lies above 1?

    python benchmarks/forecast_reality.py [--seconds 2400]      trains what is not yet done
    python benchmarks/forecast_reality.py --draw                summary, table and plot alone

Linear and MLP decoders are trained on 1000 examples of MNIST and of Fashion-MNIST, with a Gaussian
of stated variance and with a Bernoulli, at variances and betas that put the margin from 0.3 to 20,
for at most 3000 steps of Adam (fewer where the KL has settled far from the threshold). A run counts
as having learned when its KL in the last tenth of its training is above 0.05 nats; at a margin of
1.3 a linear Gaussian decoder ends with 0.5 ln 1.3 = 0.13. One line a run is appended to
results/forecast-reality.jsonl, so that a stopped sweep goes on where it was; the summary goes to
results/forecast-reality.json, the table to standard output, the plot to docs/forecast.png.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

import nelbo
from nelbo.data import Examples, load
from nelbo.doctor import Moments, forecast, moments
from nelbo.errors import NelboWarning
from nelbo.likelihoods import Bernoulli, Gaussian, Likelihood
from nelbo.machine import hardware
from nelbo.networks import MLP
from nelbo.rng import seeded
from nelbo.train import versions
from nelbo.train.callbacks import Callback

RESULTS = Path(__file__).parent / "results"
LINES, SUMMARY = RESULTS / "forecast-reality.jsonl", RESULTS / "forecast-reality.json"
PICTURE = Path(__file__).parent.parent / "docs" / "forecast.png"
EXAMPLES, BATCH, LATENT, LR, STEPS = 1000, 100, 5, 2e-3, 3000
LEARNED = 0.05  # nats
DATA = ("mnist", "fashion-mnist")
DECODERS = {"linear": MLP(hidden=()), "mlp": MLP(hidden=(64,))}
# what is moved to reach a margin, the margins, and the seeds; a Gaussian's variance and beta enter
# as a product, so that moving one or the other is the same run but for the scale of the loss
SWEEPS = {
    "gaussian, variance moved, beta 1": ((0.3, 0.5, 0.75, 1.3, 2.0, 5.0, 20.0), (0, 1, 2)),
    "bernoulli, beta moved": ((0.3, 0.5, 0.75, 1.3, 2.0, 5.0), (0, 1, 2)),
    "gaussian, variance 0.5, beta moved": ((0.5, 0.75, 1.3, 2.0), (0,)),
}


@dataclass(frozen=True)
class Setting:
    """One run."""

    seed: int
    data: str
    decoder: str
    sweep: str
    aim: float


def settings() -> Iterator[Setting]:
    for seed in range(3):
        for sweep, (margins, seeds) in SWEEPS.items():
            for aim in margins if seed in seeds else ():
                for data in DATA:
                    for decoder in DECODERS:
                        yield Setting(seed, data, decoder, sweep, aim)


def chosen(sweep: str, aim: float, found: Moments) -> tuple[Likelihood, float]:
    """Return the likelihood and the beta that give a margin."""
    if sweep == "bernoulli, beta moved":
        return Bernoulli(), forecast(found, Bernoulli()).critical_beta / aim
    largest = float(found.spectrum()[0])
    if sweep == "gaussian, variance 0.5, beta moved":
        return Gaussian(variance=0.5), largest / (0.5 * aim)
    return Gaussian(variance=largest / aim), 1.0


class Settled(Exception):
    """Enough was seen."""


class Watch(Callback):
    """Stop a run whose KL is far above the threshold and stays, or far below it and falls."""

    def __init__(self) -> None:
        self.kl: list[float] = []

    def on_epoch(self, metrics: dict[str, float]) -> None:
        self.kl.append(metrics["kl"])
        last, before, epochs = self.kl[-10:], self.kl[-40:-10], len(self.kl)
        far = 4 * LEARNED if epochs < 150 else 2 * LEARNED
        alive = epochs >= 60 and min(last) > far and min(last) > 0.9 * max(before)
        falls = epochs >= 100 and statistics.fmean(last) <= 1.05 * statistics.fmean(before)
        dead = falls and max(last) < LEARNED / 5
        if alive or dead:
            raise Settled


def run(setting: Setting, train: Examples, found: Moments) -> dict[str, object]:
    likelihood, beta = chosen(setting.sweep, setting.aim, found)
    foretold = forecast(found, likelihood, beta=beta)
    network, watch, began = DECODERS[setting.decoder], Watch(), time.perf_counter()
    with seeded(setting.seed):
        model = nelbo.VAE(train.shape, LATENT, network, likelihood)
        model.initialise(train.mean())
    epochs = STEPS * BATCH // EXAMPLES
    objective = nelbo.objectives.ELBO(beta=beta)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NelboWarning)  # grey values under a Bernoulli
        try:
            nelbo.fit(
                model, train, objective=objective, epochs=epochs, batch=BATCH, lr=LR,
                seed=setting.seed, callbacks=[watch],
            )  # fmt: skip
        except Settled:
            model.eval()
    measured = nelbo.evaluate(model, train, [nelbo.evaluate.OutputDependence()], seed=0)
    kl = statistics.fmean(watch.kl[-max(1, len(watch.kl) // 10) :])
    return {
        **asdict(setting),
        "variance": likelihood.implied_variance,
        "beta": beta,
        "margin": foretold.margin,
        "forecast": foretold.verdict,
        "kl": kl,
        "explained_variance": measured["explained_variance"].value,
        "learned": kl > LEARNED,
        "steps": len(watch.kl) * EXAMPLES // BATCH,
        "seconds": round(time.perf_counter() - began, 2),
    }


def done() -> list[dict]:
    return [json.loads(line) for line in LINES.read_text().splitlines()] if LINES.exists() else []


def sweep(seconds: float, seeds: list[int]) -> None:
    end = time.perf_counter() + seconds
    keys = {tuple(line[name] for name in Setting.__annotations__) for line in done()}
    data = {name: load(name).train.spread(EXAMPLES) for name in DATA}
    found = {name: moments(train) for name, train in data.items()}
    for setting in settings():
        if setting.seed not in seeds or tuple(asdict(setting).values()) in keys:
            continue
        if time.perf_counter() > end:
            break
        line = run(setting, data[setting.data], found[setting.data])
        with LINES.open("a") as file:
            file.write(json.dumps(line) + "\n")
        print(line, flush=True)


def of_each(lines: list[dict]) -> dict[tuple[str, float], list[dict]]:
    """Return the runs by likelihood and margin."""
    found: dict[tuple[str, float], list[dict]] = {}
    for line in sorted(lines, key=lambda line: (line["sweep"], line["aim"])):
        found.setdefault((line["sweep"], line["aim"]), []).append(line)
    return found


def is_right(line: dict) -> bool | None:
    """Return whether what was foretold came; None where nothing was."""
    if line["forecast"] == "marginal":
        return None
    return (line["forecast"] == "learns") == line["learned"]


def summary(lines: list[dict]) -> dict[str, object]:
    told = [line for line in lines if is_right(line) is not None]
    return {
        "runs": len(lines),
        "foretold": len(told),
        "right": sum(map(is_right, told)),
        "wrong": [line for line in told if not is_right(line)],
        "largest_kl_below_0.8": max(line["kl"] for line in lines if line["margin"] < 0.8),
        "smallest_kl_above_1.25": min(line["kl"] for line in lines if line["margin"] > 1.25),
        "learned_above_nats": LEARNED,
        "examples": EXAMPLES,
        "batch": BATCH,
        "latent": LATENT,
        "lr": LR,
        "steps_at_most": STEPS,
        "seeds": sorted({line["seed"] for line in lines}),
        "versions": versions(),
        "hardware": hardware(),
    }


def table(lines: list[dict]) -> str:
    rows = [
        "| likelihood | margin | forecast | runs that learned: linear | MLP | KL, nats |",
        "|---|---|---|---|---|---|",
    ]
    for (name, aim), runs in of_each(lines).items():
        counts = []
        for decoder in DECODERS:
            own = [run["learned"] for run in runs if run["decoder"] == decoder]
            counts.append(f"{sum(own)} of {len(own)}")
        kls = [run["kl"] for run in runs]
        span = f"{min(kls):.2g} to {max(kls):.2g}"
        cells = (name, f"{aim:g}", runs[0]["forecast"], *counts, span)
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def draw(lines: list[dict]) -> None:
    """One panel a likelihood: the KL that a run ended with against its margin."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4), dpi=160, layout="constrained")
    panels = figure.subplots(1, 2, sharex=True, sharey=True)
    shapes, colours = {"linear": "s", "mlp": "o"}, {"mnist": "#0b63a5", "fashion-mnist": "#b93a0b"}
    names = {"mlp": "MLP", "mnist": "MNIST", "fashion-mnist": "Fashion-MNIST"}
    for panel, likelihood in zip(panels, ("gaussian", "bernoulli"), strict=True):
        panel.axvspan(0.8, 1.25, color="#e3e5ea", lw=0)
        panel.axhline(LEARNED, color="#5c6470", lw=1, ls=":")
        for data, colour in colours.items():
            for decoder, shape in shapes.items():
                runs = [
                    run
                    for run in lines
                    if run["sweep"].startswith(likelihood)
                    and (run["data"], run["decoder"]) == (data, decoder)
                ]
                # side by side, or equal runs would hide each other
                aside = 1 + 0.012 * (1 if data == "mnist" else -1) * (2 if decoder == "mlp" else 1)
                panel.scatter(
                    [run["margin"] * aside for run in runs],
                    [run["kl"] for run in runs],
                    s=22, marker=shape, facecolor="none" if decoder == "linear" else colour,
                    edgecolor=colour, lw=1, alpha=0.85,
                    label=f"{names[data]}, {names.get(decoder, decoder)} decoder",
                )  # fmt: skip
        panel.set(xscale="log", yscale="log", xlabel="margin (forecast)")
        panel.set_title(likelihood.capitalize(), loc="left", fontsize=11, fontweight="bold")
        panel.set_xticks([0.3, 0.5, 1, 2, 5, 20], ["0.3", "0.5", "1", "2", "5", "20"])
        panel.minorticks_off()
        panel.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel("KL at the end of training, nats")
    panels[0].text(0.29, LEARNED * 1.15, "above: learned", fontsize=8, color="#5c6470")
    panels[0].text(
        1, 12, "marginal", fontsize=8, color="#5c6470", ha="center", va="top", rotation=90
    )
    panels[1].legend(frameon=False, fontsize=8, loc="lower right")
    FigureCanvasAgg(figure).print_png(PICTURE)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--draw", action="store_true")
    asked = parser.parse_args()
    RESULTS.mkdir(exist_ok=True)
    torch.set_num_threads(1)
    if not asked.draw:
        sweep(asked.seconds, asked.seeds)
    lines = done()
    found = summary(lines)
    SUMMARY.write_text(json.dumps(found, indent=2) + "\n")
    draw(lines)
    print(table(lines))
    print(f"{found['right']} of {found['foretold']} right")
    return int(bool(found["wrong"]))


if __name__ == "__main__":
    sys.exit(main())
