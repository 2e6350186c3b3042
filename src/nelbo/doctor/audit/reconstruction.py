"""The reconstruction term: which family, with which weight, reduced how."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

import numpy as np
import torch
from torch import Tensor

from nelbo.doctor.audit.calling import Call, LossRaised, Point, Recon
from nelbo.doctor.audit.identify import Identity, Probe, identify, probe
from nelbo.doctor.audit.results import Reconstruction, Reduction
from nelbo.doctor.audit.sizes import (
    accepts,
    difference,
    is_sum,
    law,
    one_feature_less,
    twice_the_examples,
    twice_the_features,
)

Laws = Mapping[int, Reduction | None]
NONE = Reconstruction("unknown", None, None, None)


@dataclass(frozen=True)
class FoundReconstruction:
    """What probing found of the reconstruction term.

    Attributes:
        term: what the audit returns of it.
        lowest: a reconstruction at which the loss is small.
        output: the kind of output at which the loss answered, which may not be the stated one.
        weight: a_R, what multiplies the family's unit summed over examples and features.
        remark: what is special about the formula.
        residual: relative misfit of the formula.
        class_axis: the axis of the classes, where there is one.
        stated: the share of the stated output's fields at which the loss is finite.
        finite: the share of the fields of `output` at which it is.
        present: whether the loss depends on the reconstruction at all.
        blind: whether what a reconstruction costs is the same for any data.
        mixed: the reduction along each data axis, where they differ.
        fixed_features: whether the loss refuses another number of features.
        error: one standard error of the weight, relative, where it was estimated.
        compared: scale and shift: the loss takes scale * x + shift for the data.
    """

    term: Reconstruction
    lowest: Recon
    output: str
    weight: float | None = None
    remark: str = ""
    residual: float = math.inf
    class_axis: int | None = None
    stated: float = 1.0
    finite: float = 1.0
    present: bool = True
    blind: bool = False
    mixed: Laws | None = None
    fixed_features: bool = False
    error: float = 0.0
    compared: tuple[float, float] = (1.0, 0.0)

    def seen(self, x: Tensor) -> Tensor:
        """Return data as the loss sees it."""
        scale, shift = self.compared
        return x if self.compared == (1.0, 0.0) else scale * x + shift


def find_reconstruction(call: Call, base: Point, output: str) -> FoundReconstruction:
    """Return what the loss says of reconstructions, the latents held fixed."""
    probed = probe(call, base, output)
    if not probed.enough or probed.range <= rounding(call, probed.values):
        return FoundReconstruction(
            term=NONE,
            lowest=probed.lowest,
            output=probed.output,
            stated=probed.stated,
            finite=probed.finite,
            present=not probed.enough,
        )
    return _described(call, base, probed, identify(call, base, probed))


def _described(call: Call, base: Point, probed: Probe, known: Identity) -> FoundReconstruction:
    low, high = base._replace(recon=probed.lowest), base._replace(recon=probed.highest)
    sums = known.family != "unknown"
    batch = None
    if sums or is_sum(call, low, high, 0):
        batch = law(call, low, high, twice_the_examples, batch=True)
    laws = _feature_laws(call, low, high, known.class_axis, sums)
    fixed = _fixed(call, low, laws)
    features = _majority(base.x, laws)
    count = summands(base.x, known.class_axis)
    by_example = undivided(known.weight, batch, len(base.x))
    if not laws or (fixed and features == "mean"):
        # a view(-1, 784) inside turns more features into more examples
        features = _simplest(by_example, count)
    constant = by_example if count == 1 else undivided(by_example, features, count)
    return FoundReconstruction(
        term=Reconstruction(known.family, batch, features, constant),
        lowest=probed.lowest,
        output=probed.output,
        weight=known.weight,
        remark=known.remark,
        residual=known.residual,
        class_axis=known.class_axis,
        stated=probed.stated,
        finite=probed.finite,
        blind=_ignores_data(call, low, high),
        mixed=laws if len(set(laws.values())) > 1 else None,
        fixed_features=fixed,
        compared=known.compared,
    )


# where only one number of features is accepted, a mean and a sum divided by it are the same
def _simplest(weight: float | None, count: int) -> Reduction | None:
    """Return the reduction whose constant is 1 or 1/2; None where both are, or neither."""
    if weight is None:
        return None
    constants: dict[Reduction, float] = {"sum": weight, "mean": weight * count}
    usual: list[Reduction] = [
        reduction
        for reduction, constant in constants.items()
        if any(abs(abs(constant) / known - 1) < 1e-4 for known in (0.5, 1.0))
    ]
    return usual[0] if len(usual) == 1 else None


def summands(x: Tensor, class_axis: int | None) -> int:
    """Return D, the number of features of an example; of classes, of positions."""
    return prod(size for axis, size in enumerate(x.shape[1:], 1) if axis != class_axis)


def undivided(weight: float | None, reduction: Reduction | None, count: int) -> float | None:
    """Return a weight without what its reduction divides by; None where that is not known.

    Example:
        >>> undivided(0.01, "mean", 100)
        1.0
    """
    if weight is None or reduction is None:
        return None
    return weight * {"sum": 1.0, "mean": count, "sum_times_batch": 1.0 / count}[reduction]


def rounding(call: Call, values: np.ndarray) -> float:
    """Return the largest difference between values that rounding alone can make."""
    finite = values[np.isfinite(values)]
    return 50 * call.resolution * float(np.abs(finite).max(initial=0.0))


def _feature_laws(
    call: Call, low: Point, high: Point, class_axis: int | None, sums: bool
) -> dict[int, Reduction | None]:
    """Return the reduction along each axis that the loss accepts with twice the features."""
    axes = [axis for axis in range(1, low.x.dim()) if axis != class_axis]
    long = [axis for axis in axes if low.x.shape[axis] > 1] or axes[:1]
    laws: dict[int, Reduction | None] = {}
    for axis in long:
        change = twice_the_features(axis)
        if accepts(call, low, change):
            known = sums or is_sum(call, low, high, axis)
            laws[axis] = law(call, low, high, change) if known else None
    return laws


def _fixed(call: Call, point: Point, laws: Laws) -> bool:
    """Return whether the loss takes twice the features, and yet not one less."""
    longest = max(laws, key=lambda axis: point.x.shape[axis], default=None)
    if longest is None or point.x.shape[longest] < 2:
        return False
    return not accepts(call, point, one_feature_less(longest))


def _majority(x: Tensor, laws: Laws) -> Reduction | None:
    """Return the reduction of most features; what few axes do otherwise goes into the constant."""
    weights: dict[Reduction | None, int] = {}
    for axis, reduction in laws.items():
        weights[reduction] = weights.get(reduction, 1) * x.shape[axis]
    if None in weights:
        return None
    return max(weights, key=lambda reduction: weights[reduction], default=None)


def _ignores_data(call: Call, low: Point, high: Point) -> bool:
    """Return whether two reconstructions differ by as much on other data."""
    here = difference(call, low, high)
    turned = low.x.flip(tuple(range(low.x.dim())))
    other = torch.lerp(low.x.max() - low.x + low.x.min(), turned, 0.2)
    if torch.equal(other, low.x):
        return False  # data that does not vary
    try:
        there = difference(call, low._replace(x=other), high._replace(x=other))
    except LossRaised:
        return False
    return abs(here - there) <= 1e-9 * abs(here)
