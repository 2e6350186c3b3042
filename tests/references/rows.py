"""The forms of a row: what a component is, said without nelbo."""

from collections.abc import Callable
from dataclasses import dataclass, field

import mpmath
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class LikelihoodRow:
    """log p(x|z), mean and variance per feature, of the decoder's output."""

    log_density: Callable[[Array, Array], Array]
    mean: Callable[[Array], Array]
    variance: Callable[[Array], Array]
    state: dict[str, float] = field(default_factory=dict)  # learned numbers, set beforehand


@dataclass(frozen=True)
class PosteriorRow:
    """log q(z|x) per example, its moments, and KL(q || N(0, I)) per latent, of the parameters."""

    log_density: Callable[[Array, Array], Array]
    mean: Callable[[Array], Array]
    variance: Callable[[Array], Array]
    kl: Callable[[Array], Array]


@dataclass(frozen=True)
class PriorRow:
    """log p(z) per example and its moments, for three latents."""

    log_density: Callable[[Array], Array]
    mean: Array
    variance: Array


@dataclass(frozen=True)
class ObjectiveRow:
    """The objective of each example, of log p(x|z) [samples, batch] and KL [batch], at a step."""

    value: Callable[[Array, Array], Array]
    step: int = 0


def precise(function):
    """Apply a function of mpmath numbers to arrays, in 50 digits."""

    def at(*values):
        with mpmath.workdps(50):
            return float(function(*(mpmath.mpf(float(v)) for v in values)))

    return np.vectorize(at, otypes=[np.float64])
