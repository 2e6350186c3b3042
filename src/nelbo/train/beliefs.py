"""What a run believes, printed before its first step, and what it depends on."""

from __future__ import annotations

import platform
from importlib.metadata import version

import numpy as np
import torch

from nelbo.data import Source
from nelbo.model import VAE
from nelbo.objectives import Objective
from nelbo.train.foretold import foretold


def beliefs(
    model: VAE, objective: Objective, train: Source | None = None, steps: int = 1
) -> dict[str, str]:
    """Return what a run believes, by name: printed before the first step.

    Args:
        model: what is trained.
        objective: what is maximised.
        train: the data; with it, where it is no stream, there is a forecast.
        steps: how many there will be.
    """
    believed = {
        "likelihood": f"{model.likelihood.belief}; {model.likelihood.base_measure}",
        "objective": f"{objective.belief}, in nats per example",
    }
    line = None if train is None else foretold(model.likelihood, objective, train, steps)
    if model.covariates:
        line = "none: it is of p(x), not of p(x|y)"
    return believed if line is None else {**believed, "forecast": line}


def versions() -> dict[str, str]:
    """Return the versions that a result depends on."""
    return {
        "nelbo": version("nelbo"),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
    }
