"""Training: `fit`, its loop, checkpoints and callbacks."""

from nelbo.train.beliefs import beliefs, versions
from nelbo.train.callbacks import Callback, ProgressDisplay, Watch
from nelbo.train.fit import Run, fit
from nelbo.train.fit_prior import fit_prior
from nelbo.train.folder import RunFolder
from nelbo.train.interruption import Interrupted
from nelbo.train.load import load, load_objective

__all__ = [
    "Callback",
    "Interrupted",
    "ProgressDisplay",
    "Watch",
    "Run",
    "RunFolder",
    "Watch",
    "beliefs",
    "fit",
    "fit_prior",
    "load",
    "load_objective",
    "versions",
]
