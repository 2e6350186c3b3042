"""`compare`: the question's losses on one data set, trained, measured and explained."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any

import torch

from nelbo import registry
from nelbo.compare.identity import SQUARED_ERRORS, identity
from nelbo.compare.losses import Loss, losses
from nelbo.compare.results import Comparison, Refused
from nelbo.compare.row import Trained, measure
from nelbo.compare.settings import Settings
from nelbo.data import Data, load
from nelbo.doctor import Moments, forecast, moments
from nelbo.errors import BadValue, NelboWarning
from nelbo.machine import hardware, peak_memory
from nelbo.model import VAE
from nelbo.rng import seeded
from nelbo.train import Callback, RunFolder, fit, versions

SHOWN = 10

Watch = Callable[[Loss], Sequence[Callback] | None]


def compare(
    data: str | Path | Data,
    settings: Settings | None = None,
    *,
    out: str | Path | None = None,
    resume: bool = False,
    watch: Watch = lambda loss: None,
) -> Comparison:
    """Train a VAE with each of the question's losses, and measure what came of it.

    Args:
        data: `"mnist"`, `"fashion-mnist"`, a path to your own, or what `nelbo.data.load` returns.
        settings: network and training; by default the question's.
        out: folder for the runs, one for each loss; without it nothing is written.
        resume: go on with a comparison that was interrupted in `out`.
        watch: gives the callbacks of a loss's training; by default a live display.

    Raises:
        ValueError: the data cannot be read, or does not fit `resume`, or a setting is wrong.
        Interrupted: Ctrl-C; what was trained is saved if there is a folder.

    Example:
        >>> import torch, nelbo
        >>> data = nelbo.data.load(torch.rand(300, 4))
        >>> quick = Settings(latent=2, network=nelbo.networks.MLP(hidden=(8,)), epochs=1)
        >>> len(compare(data, quick, watch=lambda loss: []).rows)
        5
    """
    started, settings = time.perf_counter(), settings or Settings()
    data = data if isinstance(data, Data) else load(data)
    shown = data.test.first_of_each_class(SHOWN)
    with seeded(settings.seed):  # a transform may draw
        originals, batch = data.test[shown], data.test[: settings.batch]
        accepted, refused = _fitting(data)
    found = moments(data.train)
    rows, identities = [], []
    for loss in accepted:
        folder = None if out is None else Path(out) / "runs" / loss.key
        trained = _train(loss, data, found, settings, folder, resume, watch)
        rows.append(measure(trained, data.test, originals, settings.seed))
        if loss.name in SQUARED_ERRORS:
            identities.append(identity(loss.name, trained.run.model, batch))
    return Comparison(
        data=data.name,
        data_shape=data.train.shape,
        features=originals[0].numel(),
        rows=tuple(rows),
        refused=tuple(refused),
        identities=tuple(identities),
        originals=originals,
        labels=() if data.test.labels is None else tuple(data.test.labels[shown].tolist()),
        spectrum=tuple(found.spectrum().tolist()),
        total_variance=rows[0].estimates["total_variance"].value,
        train_examples=len(data.train),
        test_examples=len(data.test),
        made=_made(data, settings, time.perf_counter() - started),
    )


def _fitting(data: Data) -> tuple[list[Loss], list[Refused]]:
    """Sort the losses by whether the data lies where their likelihoods are defined."""
    batches = chain(data.train.epoch(1000), data.test.epoch(1000))
    extremes = torch.stack([torch.stack(x.aminmax()) for x in batches])
    low, high = extremes.min(), extremes.max()
    accepted, refused = [], []
    for loss in losses(torch.Size(data.train.shape).numel(), bool(low >= 0 and high <= 1)):
        try:
            # both likelihoods of bounded data are defined on an interval: its ends tell
            loss.build().check(torch.stack([low, high]))
            accepted.append(loss)
        except BadValue as error:
            refused.append(Refused(loss.name, loss.likelihood, str(error)))
    return accepted, refused


def _train(
    loss: Loss,
    data: Data,
    found: Moments,
    settings: Settings,
    folder: Path | None,
    resume: bool,
    watch: Watch,
) -> Trained:
    with seeded(settings.seed):
        model = VAE(data.train.shape, settings.latent, settings.network, loss.build())
        model.initialise(found.mean.float().reshape(data.train.shape))
    foretold = forecast(found, model.likelihood)
    begun = folder is None or bool(RunFolder(folder).checkpoints())
    with warnings.catch_warnings():
        # that grey values are no outcomes of a Bernoulli is what the page itself explains
        warnings.simplefilter("ignore", NelboWarning)
        run = fit(
            model,
            data.train,
            epochs=settings.epochs,
            batch=settings.batch,
            lr=settings.lr,
            seed=settings.seed,
            out=folder,
            resume=resume and begun,
            callbacks=watch(loss),
            about={"name": data.place, "checksum": data.checksum},
        )
    return Trained(loss, foretold, run)


def _made(data: Data, settings: Settings, seconds: float) -> dict[str, Any]:
    return {
        "checksum": data.checksum,
        "provenance": data.provenance,
        "seed": settings.seed,
        "network": registry.text(registry.spec(settings.network)),
        "latent": settings.latent,
        "epochs": settings.epochs,
        "batch": settings.batch,
        "lr": settings.lr,
        "versions": versions(),
        "hardware": hardware(),
        "start": "decoder at the mean of the training data",
        "seconds": seconds,
        "peak_memory_bytes": peak_memory(),
        "date": datetime.now(UTC).date().isoformat(),
    }
