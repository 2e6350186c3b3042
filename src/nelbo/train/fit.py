"""`fit`: check everything, say what the run believes, train."""

from __future__ import annotations

import json
import math
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch

from nelbo import registry
from nelbo.data import Examples, Source, as_source
from nelbo.errors import BadType, BadValue, nearest
from nelbo.model import VAE
from nelbo.objectives import ELBO, Objective
from nelbo.rng import seeded
from nelbo.train.callbacks import Callback, ProgressDisplay
from nelbo.train.folder import RunFolder
from nelbo.train.loop import Loop

PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16}


@dataclass(frozen=True)
class Run:
    """A finished run.

    Attributes:
        model: the trained model: the best epoch's weights under early stopping, else the last.
        history: the lines of `metrics.jsonl`, one an epoch.
        out: the run folder, where there is one.
    """

    model: VAE
    history: tuple[Mapping[str, float], ...]
    out: Path | None


def fit(
    model: VAE,
    train: Any,
    *,
    valid: Any = None,
    objective: Objective | None = None,
    epochs: int = 10,
    batch: int = 100,
    lr: float = 1e-3,
    clip: float | None = None,
    patience: int | None = None,
    seed: int = 0,
    precision: str = "fp32",
    out: str | Path | None = None,
    resume: bool = False,
    callbacks: Sequence[Callback] | None = None,
    about: Mapping[str, Any] | None = None,
) -> Run:
    """Train a model with Adam on the mean over examples of an objective, in nats.

    Before the first step it checks the data against the likelihood's support and prints what the
    run believes. Same seed, same data, same weights, bit for bit on the CPU.

    Source: Kingma & Ba 2015, Adam.

    Args:
        model: what to train, in place, on the device where its parameters are.
        train: an array [n, *data_shape] (bytes are scaled to [0, 1]), a `nelbo.data.Source`, a
            `Dataset`, an iterable of batches, or a path.
        valid: likewise; its ELBO at beta = 1 is measured after every epoch.
        objective: what is maximised; by default the ELBO.
        epochs: passes over the data.
        batch: examples a step.
        lr: Adam's step size.
        clip: largest norm of the gradient of the mean objective.
        patience: stop after so many epochs without a better validation ELBO, and keep the best
            weights.
        seed: of the order of the data and of all noise; the caller's generators stay untouched.
        precision: `"fp32"`, or `"bf16"` for the networks' arithmetic (densities stay in fp32).
        out: folder for checkpoints, metrics and configuration.
        resume: go on from the newest checkpoint in `out`.
        callbacks: who watches; by default a live display on standard error.
        about: what else `config.json` shall record, such as where the data came from.

    Raises:
        TypeError, ValueError: something is wrong with an argument; nothing was written.
        RuntimeError: the loss is not finite, or a checkpoint cannot be written.
        Interrupted: Ctrl-C; the state was saved if there is a folder.

    Example:
        >>> import nelbo
        >>> model = nelbo.VAE(data_shape=(4,), latent=2)
        >>> run = fit(model, torch.ones(200, 4), epochs=2, callbacks=[])
        >>> len(run.history)
        2
    """
    source, validation = as_source(train), None if valid is None else as_source(valid)
    objective = objective or ELBO()
    settings = {
        "epochs": epochs,
        "batch": batch,
        "lr": lr,
        "clip": clip,
        "patience": patience,
        "seed": seed,
        "precision": precision,
    }
    _check_settings(settings, validation, out, resume)
    _check_objective(objective, source, epochs, batch)
    for data in (source, validation):
        if data is not None:  # a stream has no length, and so no truth
            _check_data(model, data)
    config = {
        "model": model.spec(),
        "objective": registry.spec(objective),
        "train": settings,
        "data": {
            "examples": source.size,
            "validation_examples": None if validation is None else validation.size,
            **(about or {}),
        },
        "versions": versions(),
    }
    loop = Loop(
        model=model,
        train=source,
        valid=validation,
        objective=objective,
        optimizer=torch.optim.Adam(model.parameters(), lr=lr, fused=True),
        epochs=epochs,
        batch=batch,
        clip=clip,
        patience=patience,
        seed=seed,
        precision=PRECISIONS[precision],
        folder=None if out is None else RunFolder(out),
        callbacks=[ProgressDisplay()] if callbacks is None else callbacks,
    )
    if resume:
        _go_on(loop, config)
    elif loop.folder is not None:
        loop.folder.create(config, room=_room(model))
    return _watched(loop, beliefs(model, objective))


def _watched(loop: Loop, believed: Mapping[str, str]) -> Run:
    message = ""
    try:
        for callback in loop.callbacks:
            callback.on_start(believed, loop.train.size, loop.epochs)
        loop.run()
    except KeyboardInterrupt as stop:
        message = str(stop)
        raise
    finally:
        for callback in loop.callbacks:
            callback.on_end(message)
    out = None if loop.folder is None else loop.folder.path
    return Run(loop.model, tuple(loop.state.history), out)


def beliefs(model: VAE, objective: Objective) -> dict[str, str]:
    """Return what a run believes, by name: printed before the first step."""
    return {
        "likelihood": f"{model.likelihood.belief}; {model.likelihood.base_measure}",
        "objective": f"{objective.belief}, in nats per example",
    }


def versions() -> dict[str, str]:
    """Return the versions that a result depends on."""
    return {
        "nelbo": version("nelbo"),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
    }


def _check_settings(
    settings: Mapping[str, Any], valid: Source | None, out: Any, resume: bool
) -> None:
    for name in ("epochs", "batch", "patience"):
        value = settings[name]
        if value is not None and (not isinstance(value, int) or value < 1):
            raise BadValue(name, expected="an integer of at least 1", got=value, fix="Try 10.")
    for name in ("lr", "clip"):
        value = settings[name]
        number = isinstance(value, int | float)
        if value is not None and not (number and 0 < value < math.inf):
            raise BadValue(name, expected="a positive number", got=value, fix="Try 1e-3.")
    if settings["precision"] not in PRECISIONS:
        got = f"'{settings['precision']}'"
        fix = nearest(settings["precision"], PRECISIONS)
        raise BadValue("precision", expected="a known precision", got=got, fix=fix)
    if settings["patience"] is not None and valid is None:
        raise BadValue(
            "patience",
            expected="a validation set with it",
            got="none",
            fix="Pass valid=..., held out from the training data.",
        )
    if resume and out is None:
        raise BadValue("resume", expected="the run's folder", got="none", fix="Pass out=...")


def _check_objective(objective: Objective, source: Source, epochs: int, batch: int) -> None:
    if not isinstance(objective, Objective):
        fix = "For example nelbo.objectives.ELBO()."
        raise BadType("objective", expected="an Objective", got=f"{objective!r}", fix=fix)
    if source.size is not None:
        objective.check(epochs * math.ceil(source.size / batch))


def _check_data(model: VAE, data: Source) -> None:
    """Refuse data of another shape or outside the likelihood's domain; warn outside its support."""
    if data.shape != model.data_shape:
        raise BadValue(
            "data",
            expected=f"examples of shape {list(model.data_shape)}",
            got=f"{list(data.shape)}",
            fix=f"Build the model with data_shape={data.shape}.",
        )
    with seeded(0):
        # all of what is in memory, the first batch of what streams
        count = None if isinstance(data, Examples) else 1
        inside = [model.likelihood.check(x) for x in islice(data.epoch(1000), count)]
    if not all(inside):
        model.likelihood.warn_outside_support()


def _go_on(loop: Loop, config: Mapping[str, Any]) -> None:
    """Resume, and record what may change: how many epochs, and where the same data lies."""
    assert loop.folder is not None
    before = loop.folder.config()
    _check_same(f"resuming {loop.folder.path}", config, before)
    loop.folder.sweep()
    loop.resume()
    loop.folder.write_config({**config, "versions": before["versions"]})


def _check_same(what: str, config: Mapping[str, Any], before: Mapping[str, Any]) -> None:
    """Refuse to go on with another model, objective or setting than the run began with."""
    now, then = _fixed(json.loads(json.dumps(config))), _fixed(before)
    changed = next((name for name in now if now[name] != then.get(name)), None)
    if changed is not None:
        raise BadValue(
            what,
            expected=f"{changed} = {_said(then.get(changed))}, as it began",
            got=_said(now[changed]),
            fix="Leave the setting out, or start a new run in another folder.",
        )


def _fixed(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return all that a resumed run must have in common with its beginning, by name."""
    data, settings = config["data"], {"objective": config["objective"], **config["train"]}
    # a checksum tells the same data wherever it lies
    free = {"epochs", "name"} if "checksum" in data else {"epochs"}
    every = {**config["model"], **settings, **data}
    return {name: value for name, value in every.items() if name not in free}


def _said(value: Any) -> Any:
    """Return a component's record as the user would write it."""
    is_component = isinstance(value, Mapping) and "opaque" not in str(value)
    return registry.text(value) if is_component else value


def _room(model: VAE) -> int:
    """Return the bytes that a run may need on disk: four times weights, gradients' two moments."""
    weights = sum(t.numel() * t.element_size() for t in model.state_dict().values())
    return 4 * 3 * weights + 2**20
