"""The forms of a row: what a component is, said without nelbo."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import mpmath
import numpy as np
from numpy.typing import NDArray
from scipy import stats

Array = NDArray[np.float64]


@dataclass(frozen=True)
class LikelihoodRow:
    """log p(x|z), mean and variance per feature, of the decoder's output."""

    log_density: Callable[[Array, Array], Array]
    mean: Callable[[Array], Array]
    variance: Callable[[Array], Array]
    state: dict[str, float] = field(default_factory=dict)  # learned numbers, set beforehand


def unchanged(module):
    """Leave a module's weights as they are."""


@dataclass(frozen=True)
class PosteriorRow:
    """log q(z|x) per example, its moments, and KL(q || N(0, I)) per latent, of the parameters.

    The KL is per example where the latents depend on each other, and None without a formula.
    """

    log_density: Callable[[Array, Array], Array]
    mean: Callable[[Array], Array]
    variance: Callable[[Array], Array]
    kl: Callable[[Array], Array] | None = None
    weights: Callable[[Any], None] = unchanged  # sets those of the module itself, beforehand
    prior: str | None = None  # the one that it goes with; its weights are set likewise


@dataclass(frozen=True)
class PriorRow:
    """log p(z) per example, for three latents, and its moments; a mass on codes states none."""

    log_density: Callable[[Array], Array]
    mean: Array | None = None
    variance: Array | None = None
    weights: Callable[[Any], None] = unchanged


@dataclass(frozen=True)
class Pass:
    """One forward pass, in numbers: a Gaussian posterior and N(0, I), x seen around z itself."""

    x: Array  # [batch, features]
    z: Array  # [samples, batch, latent]
    mu: Array  # [batch, latent]
    logvar: Array
    log_px: Array  # [samples, batch]
    kl: Array  # [batch, latent]

    @property
    def log_pz(self):
        return stats.norm.logpdf(self.z).sum(-1)

    @property
    def log_qz(self):
        return stats.norm.logpdf(self.z, self.mu, np.exp(self.logvar / 2)).sum(-1)

    @property
    def log_w(self):
        return self.log_px + self.log_pz - self.log_qz

    @property
    def elbo(self):
        return self.log_px.mean(0) - self.kl.sum(-1)


@dataclass(frozen=True)
class ObjectiveRow:
    """The objective of each example of a forward pass, at a step."""

    value: Callable[[Pass], Array]
    step: int = 0


def precise(function):
    """Apply a function of mpmath numbers to arrays, in 50 digits."""

    def at(*values):
        with mpmath.workdps(50):
            return float(function(*(mpmath.mpf(float(v)) for v in values)))

    return np.vectorize(at, otypes=[np.float64])


def split(outputs, event=3):
    """Return the numbers of each feature apart, from outputs [..., P, *event] or [P, features]."""
    axis = 0 if outputs.ndim <= event else outputs.ndim - event - 1
    return np.moveaxis(outputs, axis, 0)
