"""What `fit` refuses before any work."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from itertools import islice
from typing import Any

import torch

from nelbo import registry
from nelbo.data import Examples, Source
from nelbo.data.arrays import rows_at_once
from nelbo.errors import BadType, BadValue, nearest
from nelbo.model import VAE
from nelbo.objectives import ELBO, Objective
from nelbo.rng import seeded

PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16}
AUTO = "auto"


def check_settings(
    settings: Mapping[str, Any], valid: Source | None, out: Any, resume: bool
) -> None:
    """Refuse numbers out of range, and settings that need others."""
    for name in ("epochs", "batch", "patience"):
        value = settings[name]
        if value is not None and (not isinstance(value, int) or value < 1):
            raise BadValue(name, expected="an integer of at least 1", got=value, fix="Try 10.")
    seed = settings["seed"]
    if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed < 2**63:
        expected = "an integer from 0 to 2**63 - 1"
        raise BadValue("seed", expected=expected, got=seed, fix="Try 0.")
    for name in ("lr", "clip"):
        value = settings[name]
        number = isinstance(value, int | float)
        if value is not None and not (number and 0 < value < math.inf):
            raise BadValue(name, expected="a positive number", got=value, fix="Try 1e-3.")
    if settings["precision"] not in (*PRECISIONS, AUTO):
        got = f"'{settings['precision']}'"
        fix = nearest(settings["precision"], (*PRECISIONS, AUTO))
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


def check_compile(compile: Any) -> None:
    """Refuse all but True, False and None."""
    if compile is not None and not isinstance(compile, bool):
        fix = "Leave it out to let the length of the run decide."
        raise BadType("compile", expected="True, False or None", got=f"{compile!r}", fix=fix)


def check_objective(objective: Objective, source: Source, epochs: int, batch: int) -> None:
    """Refuse what is no objective, and schedules that do not fit the run."""
    if not isinstance(objective, Objective):
        fix = "For example nelbo.objectives.ELBO()."
        raise BadType("objective", expected="an Objective", got=f"{objective!r}", fix=fix)
    if source.size is not None:
        objective.check(epochs * math.ceil(source.size / batch))


def check_data(model: VAE, data: Source, objective: Objective | None = None) -> None:
    """Refuse data of another shape or outside the likelihood's domain; warn outside its support."""
    if data.shape != model.example_shape:
        raise BadValue(
            "data",
            expected=f"examples of shape {list(model.example_shape)}",
            got=f"{list(data.shape)}",
            fix="Put them side by side: nelbo.data.beside(x, y)."
            if model.covariates
            else f"Build the model with data_shape={data.shape}.",
        )
    with seeded(0):
        # all of what is in memory, the first batch of what streams
        count = None if isinstance(data, Examples) else 1
        batches = data.epoch(rows_at_once(data.shape))
        inside = [(objective or ELBO()).check_data(model, x) for x in islice(batches, count)]
    if not all(inside):
        model.likelihood.warn_outside_support()


def check_same(what: str, config: Mapping[str, Any], before: Mapping[str, Any]) -> None:
    """Refuse to go on with another model, objective or setting than the run began with."""
    now, then = _fixed(json.loads(json.dumps(config))), _fixed(before)
    # where it began with data that a checksum names, or that streamed, there is nothing to compare
    known = [name for name in now if name in then or not name.endswith("fingerprint")]
    changed = next((name for name in known if now[name] != then.get(name)), None)
    if changed is not None:
        usual = "Pass the same data" if changed in config["data"] else "Leave the setting out"
        raise BadValue(
            what,
            expected=f"{changed} = {_said(then.get(changed))}, as it began",
            got=_said(now[changed]),
            fix=f"{usual}, or start a new run in another folder.",
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
