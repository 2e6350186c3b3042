"""`fit`: check everything, say what the run believes, train."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from nelbo import registry
from nelbo.data import as_source
from nelbo.matmul import fast_matmul
from nelbo.model import VAE
from nelbo.objectives import ELBO, Objective
from nelbo.train.adam import Adam
from nelbo.train.arithmetic import choose
from nelbo.train.beliefs import beliefs, versions
from nelbo.train.callbacks import Callback, ProgressDisplay, Watch
from nelbo.train.checks import (
    PRECISIONS,
    check_compile,
    check_data,
    check_objective,
    check_same,
    check_settings,
)
from nelbo.train.compiled import Compiled
from nelbo.train.fingerprint import fingerprints
from nelbo.train.folder import RunFolder
from nelbo.train.learning import check_together, groups, learning_of
from nelbo.train.loop import Loop
from nelbo.train.step import Step
from nelbo.world import World, joined


@dataclass(frozen=True)
class Run:
    """A finished run.

    Attributes:
        model: the trained model, in evaluation mode: the best epoch's weights under early
            stopping, else the last.
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
    compile: bool | None = None,
    out: str | Path | None = None,
    resume: bool = False,
    callbacks: Sequence[Callback] | None = None,
    about: Mapping[str, Any] | None = None,
) -> Run:
    """Train a model with Adam on the mean over examples of an objective, in nats.

    A model with covariates or missing entries is told their mean first, unless `initialise` did.
    Before the first step it checks the data against the likelihood's support and prints what the
    run believes. The same weights, data and seed to begin with give the same weights in the end,
    bit for bit on the CPU. Processes that `torchrun` or `accelerate launch` started train one model
    together, each on its rows of every batch, and rank 0 alone writes and speaks.

    Source: Kingma & Ba 2015, Adam.

    Args:
        model: what to train, in place, on the device where its parameters are.
        train: an array [n, *data_shape] (bytes are scaled to [0, 1]), a `nelbo.data.Source`, a
            `Dataset`, an iterable of batches, or a path.
        valid: likewise; its ELBO at beta = 1 is measured after every epoch.
        objective: what is maximised; by default the ELBO.
        epochs: passes over the data.
        batch: examples a step, of all processes together.
        lr: Adam's step size.
        clip: largest norm of the gradient of the mean objective.
        patience: stop after so many epochs without a better validation ELBO, and keep the best
            weights.
        seed: of the order of the data and of all noise; the caller's generators stay untouched.
        precision: `"fp32"`, or `"bf16"` for the networks' arithmetic (weights, densities and the
            optimiser stay in fp32), or `"auto"`: bf16 where the machine is clearly faster with it
            and the likelihood was measured to bear it.
        compile: whether whole steps are compiled, which takes a C++ compiler and some 10 to 60
            seconds before the first; by default where the run is long enough to pay it back.
        out: folder for checkpoints, metrics and configuration.
        resume: go on from the newest checkpoint in `out`, with the same data and settings; where
            the run ended before its first checkpoint, begin it.
        callbacks: who watches; by default a live display on standard error, and the doctor, who
            speaks up where the run goes wrong.
        about: what else `config.json` shall record, such as where the data came from.

    Raises:
        TypeError, ValueError: something is wrong with an argument; nothing was written.
        RuntimeError: the loss is not finite, a checkpoint cannot be written, or another process is
            training the run in this folder.
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
    check_compile(compile)
    check_settings(settings, validation, out, resume)
    check_objective(objective, source, epochs, batch)
    check_data(model, source, objective)
    if validation is not None:
        check_data(model, validation, objective)
    recorded = out is None or (about is not None and "checksum" in about)
    device = next(model.parameters()).device
    world = joined(device)
    told_apart = {} if recorded else world.on_main(partial(fingerprints, source, validation))
    steps = epochs * math.ceil((source.size or 1) / batch)
    known = steps if source.size is not None else None
    wanted = compile if world.size == 1 else False
    folder = None if out is None else RunFolder(out)
    before = world.on_main(folder.recorded_arithmetic) if resume and folder is not None else None
    arithmetic = world.on_main(partial(choose, precision, wanted, known, model, before))
    settings["precision"] = arithmetic.precision
    config = {
        "model": model.spec(),
        "objective": registry.spec(objective),
        "train": settings,
        "data": {
            "examples": source.size,
            "validation_examples": None if validation is None else validation.size,
            **told_apart,
            **(about or {}),
        },
        "arithmetic": arithmetic.recorded(),
        "processes": world.size,
        "versions": versions(),
    }
    believed = world.on_main(partial(beliefs, model, objective, source, steps))
    believed["arithmetic"] = arithmetic.belief + world.belief
    watching = [ProgressDisplay(), Watch()] if callbacks is None else callbacks
    watching = watching if world.is_main else []
    dtype, tell = PRECISIONS[arithmetic.precision], partial(_tell, watching)
    if compile and not wanted:
        tell("Not compiled, only slower: the steps of several processes are not.")
    learning = learning_of(objective, model, seed)
    if model.inputs.wants_mean and source.size is not None:
        model.inputs.fill(world.on_main(source.mean))
    check_together(model, objective, source)
    optimizer = Adam(groups(model, learning, lr), lr)
    loop = Loop(
        model=model,
        train=source,
        valid=validation,
        objective=objective,
        step=(
            Compiled(model, dtype, objective, batch, tell, learning)
            if arithmetic.compiled
            else _step(model, dtype, world, optimizer, learning)
        ),
        optimizer=optimizer,
        epochs=epochs,
        batch=batch,
        clip=clip,
        patience=patience,
        seed=seed,
        folder=folder,
        callbacks=watching,
        world=world,
    )
    try:
        if folder is not None:
            _open(folder, loop, config, resume)
        with fast_matmul(arithmetic.matmul):
            return _watched(loop, believed)
    finally:
        if folder is not None:
            folder.lock.release()


def _step(
    model: VAE, dtype: torch.dtype, world: World, optimizer: Adam, learning: nn.Module | None
) -> Step:
    """Return the uncompiled step, of this process alone or of several together."""
    if world.size == 1:
        return Step(model, dtype, learning)
    # only now: alone, nobody pays for its imports
    from nelbo.train.distributed import together

    return together(model, dtype, world, optimizer, learning)


def _tell(callbacks: Sequence[Callback], message: str) -> None:
    for callback in callbacks:
        callback.on_note(message)


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
    return Run(loop.model.eval(), tuple(loop.state.history), out)


def _open(folder: RunFolder, loop: Loop, config: Mapping[str, Any], resume: bool) -> None:
    """Begin the run's folder, or go on from it."""
    on_main = loop.world.on_main
    before = on_main(partial(_begun, folder, _room(loop.model), config, resume))
    if before is None:
        return
    loop.resume()
    # what may have changed: how many epochs, how many processes, and where the same data lies
    on_main(partial(folder.write_config, {**config, "versions": before["versions"]}))


def _begun(
    folder: RunFolder, room: int, config: Mapping[str, Any], resume: bool
) -> Mapping[str, Any] | None:
    """Return the configuration of the run to go on with; None where it begins, in a new folder."""
    folder.lock.take()
    killed = folder.is_killed_start()
    if not resume or (killed and not folder.config_path.exists()):
        folder.create(config, room)
        return None
    before = folder.config()
    check_same(f"resuming {folder.path}", config, before)
    if killed:
        folder.create(config, room)
        return None
    folder.sweep()
    return before


def _room(model: VAE) -> int:
    """Return the bytes that a run may need on disk: four times weights, gradients' two moments."""
    weights = sum(t.numel() * t.element_size() for t in model.state_dict().values())
    return 4 * 3 * weights + 2**20
