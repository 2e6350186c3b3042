"""`Patient`: what a doctor is handed; and the data that the patients were trained on."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import torch

import nelbo
from nelbo.doctor import Finding


@dataclass(frozen=True)
class Patient:
    """A trained VAE as its owner hands it over.

    Attributes:
        model: what `nelbo.diagnose` takes: an adapter around the owner's functions, or a `VAE`.
        data: what it was trained on, [n, ...].
        said: what a `Monitor` said during training, where the owner had put one into the loop.
    """

    model: Any
    data: torch.Tensor
    said: tuple[Finding, ...] = ()


@functools.cache
def _pixels(name):
    array = nelbo.data.load(name).train.array
    return array[:: len(array) // 2000][:2000].flatten(1).clone()


def digit_bytes(n=1500):
    """MNIST as read from disk: [n, 784], 0 to 255."""
    return _pixels("mnist")[:n].float()


def digits(n=1500):
    """MNIST, [n, 784], grey values in [0, 1]."""
    return digit_bytes(n) / 255


def black_and_white(n=1500):
    """MNIST, [n, 784], binarised once: every pixel 0 or 1."""
    return (digits(n) > 0.5).float()


def clothes(n=1500):
    """Fashion-MNIST, [n, 784], grey values in [0, 1]."""
    return _pixels("fashion-mnist")[:n].float() / 255


def table(n=1500, columns=40, factors=8, noise=0.3):
    """Standardised measurements: columns that `factors` hidden causes explain, and noise."""
    draw = torch.Generator().manual_seed(0)
    loadings = torch.randn(factors, columns, generator=draw)
    x = torch.randn(n, factors, generator=draw) @ loadings
    x = x + noise * factors**0.5 * torch.randn(n, columns, generator=draw)
    return (x - x.mean(0)) / x.std(0)
