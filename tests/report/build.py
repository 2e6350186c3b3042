"""Constructed comparisons: small tensors, every case that the reports have to tell apart."""

from __future__ import annotations

from dataclasses import replace

import torch

from nelbo.compare.results import Comparison, Identity, Refused, Row, Verdict
from nelbo.doctor.forecast.result import verdict as foretold
from nelbo.evaluate.estimate import Estimate

MASS, REAL = "mass on {0, 1}^D", "density on R^D"


def row(
    name: str,
    likelihood: str = "gaussian:variance=0.5,link=logit",
    variance: float | None = 0.5,
    margin: float = 10.2,
    verdict: Verdict | None = None,
    shape: tuple[int, ...] = (1, 8, 8),
    shown: int = 10,
    **changes: object,
) -> Row:
    verdict = verdict or ("learns" if margin >= 1 else "collapses")
    dead = verdict == "collapses"
    generator = torch.Generator().manual_seed(0)
    n = 10_000
    nats = "nats per example"
    estimates = {
        "elbo": Estimate("elbo", -93.0, nats, 0.2, n, 1, REAL),
        "reconstruction": Estimate("reconstruction", -80.5, nats, 0.2, n, 1, REAL),
        "kl": Estimate("kl", 1e-4 if dead else 12.5, nats, 0.01, n, parts=(0.1,) * 20),
        "importance_bound": Estimate("importance_bound", -91.234, nats, 0.21, n, 64, REAL),
        "active_units": Estimate(
            "active_units", 0 if dead else 13, "of 20 latents", 0.0, n, parts=(1.0,) * 20
        ),
        "squared_error": Estimate("squared_error", 53.1 if dead else 17.5, "squared units", 0.1, n),
        "output_dependence": Estimate("output_dependence", 0.0, "of the variance", 0.001, n),
        "output_deviation": Estimate("output_deviation", 1e-5 if dead else 0.14, "units", 1e-6, n),
    }
    history = tuple(
        {"epoch": e, "reconstruction": -90.0 + e, "kl": 1.0 + e, "elbo": -91.0, "loss": 91.0}
        for e in (1, 2, 3)
    )
    made = Row(
        name=name,
        key=name.replace(".", "_"),
        likelihood=likelihood,
        belief="a belief",
        variance=variance,
        variance_source=None if variance is None else "stated",
        margin=margin,
        forecast=foretold(margin),
        verdict=verdict,
        estimates=estimates,
        base_measure=REAL,
        history=history,
        reconstructions=torch.rand(shown, *shape, generator=generator),
        samples=torch.rand(shown, *shape, generator=generator),
        seconds=20.0,
    )
    return replace(made, **changes)


def averaged(**changes: object) -> Row:
    values = {"likelihood": "gaussian:variance=392,link=logit", "variance": 392.0, "margin": 0.0131}
    return row("F.mean_squared_error", **{**values, **changes})


def summed(**changes: object) -> Row:
    return row("F.mean(F.sum((x - y)**2, axis=1))", **changes)


def learned(**changes: object) -> Row:
    values = {"likelihood": "gaussian:sigma=learned", "variance": 0.0123, "margin": 76.0}
    return row("gaussian, learned sigma", **{**values, "variance_source": "learned", **changes})


def bernoulli(**changes: object) -> Row:
    values = {"likelihood": "bernoulli", "variance": None, "margin": 32.2, "base_measure": MASS}
    return row("F.bernoulli_nll", **{**values, **changes})


def continuous(**changes: object) -> Row:
    values = {"likelihood": "continuous_bernoulli", "variance": None, "margin": 1459.0}
    return row("continuous_bernoulli", **{**values, "base_measure": REAL, **changes})


def comparison(rows: tuple[Row, ...] | None = None, **changes: object) -> Comparison:
    shape = changes.get("data_shape", (1, 8, 8))
    made = Comparison(
        data="mnist",
        data_shape=(1, 8, 8),
        features=784,
        rows=(bernoulli(), averaged(), summed(), learned(), continuous()) if rows is None else rows,
        refused=(),
        identities=(
            Identity("F.mean_squared_error", 0.065052, 1.0, 3061.18, 0.065052, 392.0),
            Identity("F.mean(F.sum((x - y)**2, axis=1))", 30.9695, 1.0, 448.734, 30.9695, 0.5),
        ),
        originals=torch.rand(10, *shape, generator=torch.Generator().manual_seed(1)),
        labels=tuple(range(10)),
        spectrum=tuple(5.117 * 0.8**i for i in range(60)),
        total_variance=52.8483,
        train_examples=60_000,
        test_examples=10_000,
        made={
            "checksum": "sha256:0123",
            "seed": 0,
            "epochs": 3,
            "lr": 1e-3,
            "versions": {"nelbo": "0.1.0"},
            "seconds": 130.0,
            "peak_memory_bytes": 1.2e9,
            "command": "nelbo compare mnist",
        },
    )
    return replace(made, **changes)


def of_shape(*shape: int, **changes: object) -> Comparison:
    rows = tuple(make(shape=shape) for make in (bernoulli, averaged, summed, learned, continuous))
    return comparison(rows, data_shape=shape, data="my.npy", labels=(), **changes)


REFUSED = (Refused("F.bernoulli_nll", "bernoulli", "data for Bernoulli: expected [0, 1]."),)

CASES = {
    "collapse": comparison(),
    "several collapse": comparison(
        (averaged(), row("mine", "gaussian:variance=9", 9.0, 0.57), summed())
    ),
    "no collapse": comparison((bernoulli(), summed(), learned())),
    "averaged learns": comparison(
        (averaged(margin=1.2, verdict="learns"), summed()), spectrum=(470.0, 30.0), features=784
    ),
    "despite": comparison((bernoulli(margin=0.7, verdict="learns"),)),
    "margin": comparison((bernoulli(margin=0.7), summed())),
    "unexplained": comparison((continuous(verdict="collapses"), summed())),
    "marginal learns": comparison((bernoulli(margin=0.9, verdict="learns"), summed())),
    "marginal": comparison((continuous(margin=1.1, verdict="collapses"), summed())),
    "slow": comparison((continuous(margin=1.6, verdict="collapses"), summed())),
    "mixed": comparison((averaged(), continuous(verdict="collapses"), summed())),
    "all collapse": comparison((averaged(), bernoulli(margin=0.7))),
    "refused": comparison((averaged(), summed()), refused=REFUSED),
    "all refused": comparison((), refused=REFUSED, identities=()),
    "no labels": comparison(labels=()),
    "rgb": of_shape(3, 6, 5, features=90),
    "large": of_shape(3, 200, 120),
    "grey without channel": of_shape(8, 8),
    "vector": of_shape(12),
    "one feature": of_shape(1, features=1),
    "other shape": of_shape(5, 4, 3),
    "few shown": comparison(
        (averaged(shown=3), summed(shown=3)), originals=torch.rand(3, 1, 8, 8), labels=(1, 5, 7)
    ),
    "no history": comparison((averaged(history=()), summed(history=()))),
    "constant data": comparison(spectrum=(0.0, 0.0), total_variance=0.0),
    "nothing made": comparison(made={}),
    "negative data": comparison(originals=torch.randn(10, 1, 8, 8)),
    "not a number": comparison(
        (
            averaged(),
            summed(
                estimates={"kl": Estimate("kl", float("nan"), "nats per example", float("nan"), 9)},
                history=({"epoch": 1, "reconstruction": float("nan"), "kl": float("inf")},),
                reconstructions=torch.full((10, 1, 8, 8), float("nan")),
            ),
        )
    ),
}
