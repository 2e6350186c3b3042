"""Data of finitely many values: grey levels k / (K - 1), and tokens k."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import constraints
from torch.distributions.constraints import Constraint

from nelbo.errors import BadValue, nearest
from nelbo.likelihoods.base import Likelihood

CLOSE = 1e-3  # of a level: what single precision leaves of k / (K - 1), and more


class Levels(Constraint):
    """The values k / (count - 1) in [0, 1], as bytes are after division by 255."""

    is_discrete = True
    event_dim = 0
    lower_bound, upper_bound = 0.0, 1.0

    def __init__(self, count: int) -> None:
        self.count = count
        super().__init__()

    def check(self, value: Tensor) -> Tensor:
        """Return where a value is one of the levels."""
        level = value * (self.count - 1)
        inside = (value >= 0) & (value <= 1)
        return inside & ((level - level.round()).abs() <= CLOSE)

    @property
    def values(self) -> Float[Tensor, " levels"]:
        """All of the levels."""
        return torch.arange(self.count, dtype=torch.float64) / (self.count - 1)


@dataclass(frozen=True)
class Coding:
    """How a category k of K stands in the data.

    Attributes:
        support: the constraint, of K.
        unit: by what k is divided, of K.
        requirement: what the data is, in words with a place for K.
        advice: what to do with other data.
    """

    support: Callable[[int], Constraint]
    unit: Callable[[int], int]
    requirement: str
    advice: str


CODINGS = {
    "levels": Coding(
        support=Levels,
        unit=lambda count: count - 1,
        requirement="{count} levels from 0 to 1, as bytes are after division by 255",
        advice="Pass the bytes themselves, neither dequantised nor resized; for values between "
        "the levels use the likelihood 'gaussian', for tokens 0..K-1 'categorical' with "
        "coding=tokens.",
    ),
    "tokens": Coding(
        support=lambda count: constraints.integer_interval(0, count - 1),
        unit=lambda count: 1,
        requirement="whole numbers from 0 to {count} - 1",
        advice="State the number of categories, and pass tokens as floats.",
    ),
}


def coding_named(name: str) -> Coding:
    """Return the coding of a name; ValueError names the nearest."""
    if name not in CODINGS:
        fix = f"{nearest(name, CODINGS)} For one-hot data use the likelihood 'one_hot'."
        raise BadValue("coding", expected="a known coding", got=f"'{name}'", fix=fix)
    return CODINGS[name]


def describe(likelihood: Likelihood, what: str, count: int, coding: Coding) -> None:
    """Give a likelihood the support of a coding, and its words.

    Args:
        likelihood: whose attributes are set.
        what: the argument that `count` is, in error messages.
        count: K, at least 2.
        coding: how the K values stand in the data.

    Raises:
        ValueError: fewer than two values.
    """
    if not isinstance(count, int) or count < 2:
        raise BadValue(what, expected="an integer of at least 2", got=count, fix="Bytes have 256.")
    likelihood.support = likelihood.domain = coding.support(count)
    likelihood.base_measure = f"mass on {{0..{count - 1}}}^D"
    likelihood.requirement = coding.requirement.format(count=count)
    likelihood.advice = coding.advice


def increasing_inverse(
    function: Callable[[Tensor], Tensor],
    target: Float[Tensor, " *event"],
    low: float,
    high: float,
) -> Float[Tensor, " *event"]:
    """Return where an increasing function has the target values, by bisection from low to high."""
    below, above = torch.full_like(target, low), torch.full_like(target, high)
    for _ in range(60):
        middle = (below + above) / 2
        right = function(middle) < target
        below, above = torch.where(right, middle, below), torch.where(right, above, middle)
    return (below + above) / 2
