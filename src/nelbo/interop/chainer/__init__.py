"""Chainer 5's VAE on torch tensors: its losses, its weight files, and the question's own model.

A listing like Chainer's examples/vae/net.py runs with its imports changed:

    import nelbo.interop.chainer as chainer
    import nelbo.interop.chainer.functions as F
    import nelbo.interop.chainer.links as L
    from nelbo.interop.chainer import serializers
    from nelbo.interop.chainer.functions import gaussian_kl_divergence

Losses have Chainer's meaning, `reduce` included: this is the one place in nelbo that has it.
Train with a torch optimiser: `model.cleargrads()`, `loss_func(x).backward()`, `optimizer.step()`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nelbo.interop.chainer import functions, links, reconstructions, serializers
from nelbo.interop.chainer.arrays import Variable
from nelbo.interop.chainer.functions import (
    bernoulli_nll,
    gaussian,
    gaussian_kl_divergence,
    gaussian_nll,
    mean_absolute_error,
    mean_squared_error,
    squared_error,
)
from nelbo.interop.chainer.links import Chain
from nelbo.interop.chainer.serializers import load_npz, save_npz
from nelbo.interop.chainer.vae import VAE

__all__ = [
    "VAE",
    "Chain",
    "Variable",
    "bernoulli_nll",
    "functions",
    "gaussian",
    "gaussian_kl_divergence",
    "gaussian_nll",
    "links",
    "load_npz",
    "mean_absolute_error",
    "mean_squared_error",
    "reconstructions",
    "report",
    "save_npz",
    "serializers",
    "squared_error",
]


def report(values: Mapping[str, Any], observer: object = None) -> None:
    """Do nothing, as Chainer's does outside of a Trainer: the listing keeps its values itself.

    Source: Chainer 5.0.0, chainer/reporter.py.

    Args:
        values: what is reported, by name.
        observer: who reports.

    Example:
        >>> report({"loss": 1.0}, observer=None)
    """
