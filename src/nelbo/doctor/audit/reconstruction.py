"""The reconstruction term: which family, with which weight, reduced how."""

from __future__ import annotations

import math
from dataclasses import dataclass
from math import prod

import numpy as np
from torch import Tensor

from nelbo.doctor.audit.calling import Call, LossRaised, Point, Recon
from nelbo.doctor.audit.families import Candidate, candidates, log_cosh
from nelbo.doctor.audit.fields import Fields
from nelbo.doctor.audit.regression import EXACT, fit
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

CERTAIN = 1e-8  # relative misfit that no other formula will have
FEWEST = 5  # fields at which the loss has to be finite


@dataclass(frozen=True)
class FoundReconstruction:
    """What probing found of the reconstruction term.

    Attributes:
        term: what the audit returns of it.
        remark: what is special about the formula.
        weight: a_R, what multiplies the family's unit summed over examples and features.
        residual: relative misfit of the formula.
        output: the kind of field at which the loss answered, which may not be the stated one.
        stated: the share of the stated output's fields at which the loss is finite.
        finite: the share of the fields of `output` at which it is.
        present: whether the loss depends on the reconstruction at all.
        mixed: the reduction along each data axis, where they differ.
        fixed_features: whether the loss refuses another number of features.
        lowest: the field at which the loss is smallest.
        class_axis: the axis of the classes, where there is one.
        blind: whether what a reconstruction costs is the same for any data.
        error: one standard error of the weight, relative, where it was estimated.
    """

    term: Reconstruction
    remark: str
    weight: float | None
    residual: float
    output: str
    stated: float
    finite: float
    present: bool
    mixed: dict[int, Reduction | None]
    fixed_features: bool
    lowest: Recon
    class_axis: int | None = None
    error: float = 0.0
    blind: bool = False


def find_reconstruction(call: Call, base: Point, output: str) -> FoundReconstruction:
    """Return what the loss says of reconstructions, the latents held fixed."""
    kind, fields, values, share = _probe(call, base, output)
    finite = np.isfinite(values)
    safe = np.where(finite, values, np.nan)
    lowest = fields[int(np.nanargmin(safe))] if finite.any() else fields[0]
    known = int(finite.sum()) >= FEWEST
    if not known or np.ptp(values[finite]) <= rounding(call, values[finite]):
        term = Reconstruction("unknown", None, None, None)
        return FoundReconstruction(
            term, "", None, math.inf, kind, share, float(finite.mean()), not known, {}, False, lowest
        )
    candidate, weight, residual = _identify(base.x, fields, values)
    if candidate is None and (scaled := _log_cosh(call, base)) is not None:
        candidate, weight, residual = _best([scaled], base.x, fields, values)
    linear = candidate is None and _is_linear(call, base, fields, values)
    family = "linear_in_recon" if linear else "unknown" if candidate is None else candidate.family
    low = base._replace(recon=lowest)
    high = base._replace(recon=fields[int(np.nanargmax(safe))])
    sums = family != "unknown"
    batch = None
    if sums or is_sum(call, low, high, 0):
        batch = law(call, low, high, twice_the_examples, batch=True)
    axes = [
        axis
        for axis in _feature_axes(base.x, candidate)
        if accepts(call, low, twice_the_features(axis))
    ]
    laws = {
        axis: law(call, low, high, twice_the_features(axis))
        if sums or is_sum(call, low, high, axis)
        else None
        for axis in axes
    }
    longest = max(axes, key=lambda axis: base.x.shape[axis], default=0)
    fixed = bool(axes) and not accepts(call, base._replace(recon=lowest), one_feature_less(longest))
    features = _majority(base.x, laws)
    if fixed and features == "mean":
        features = None  # a view(-1, 784) inside turns more features into more examples
    if family == "unknown" or candidate is None or "times the error" in candidate.remark:
        weight = math.nan
    constant = _constant(weight, batch, features, base.x, candidate)
    return FoundReconstruction(
        term=Reconstruction(family, batch, features, constant),
        remark="" if candidate is None else candidate.remark,
        weight=None if math.isnan(weight) else weight,
        residual=residual,
        output=kind,
        stated=share,
        finite=float(finite.mean()),
        present=True,
        blind=_ignores_data(call, low, high),
        mixed=laws if len(set(laws.values())) > 1 else {},
        fixed_features=fixed,
        lowest=lowest,
        class_axis=None if candidate is None else candidate.class_axis,
    )


def _ignores_data(call: Call, low: Point, high: Point) -> bool:
    here = difference(call, low, high)
    turned = low.x.flip(tuple(range(low.x.dim())))
    other = low.x.min() + 0.5 * (low.x.max() - low.x) + 0.1 * turned
    try:
        there = difference(call, low._replace(x=other), high._replace(x=other))
    except LossRaised:
        return False
    return abs(here - there) <= 1e-9 * abs(here)


def rounding(call: Call, values: np.ndarray) -> float:
    """Return the largest difference between values that rounding alone can make."""
    return 50 * call.resolution * float(np.abs(values).max(initial=0.0))


def _probe(
    call: Call, base: Point, output: str
) -> tuple[str, list[Recon], np.ndarray, float]:
    """Return the loss at the fields of the stated output, or of the first that it answers to."""
    others = () if output == "mean+logvar" else ("prob", "mean")
    tried: list[tuple[str, list[Recon], np.ndarray]] = []
    for kind in dict.fromkeys((output, *others)):
        fields = Fields(base.x).of(kind)
        values = np.array([call.tried(base._replace(recon=field)) for field in fields])
        tried.append((kind, fields, values))
        if np.isfinite(values).all():
            break
    best = max(tried, key=lambda t: float(np.isfinite(t[2]).mean()))
    return *best, float(np.isfinite(tried[0][2]).mean())


def _identify(
    x: Tensor, fields: list[Recon], values: np.ndarray
) -> tuple[Candidate | None, float, float]:
    """Return the best formula with its weight and its misfit; None where none fits."""
    return _best(candidates(x, 2 if isinstance(fields[0], tuple) else 1), x, fields, values)


def _best(
    fitting: list[Candidate], x: Tensor, fields: list[Recon], values: np.ndarray
) -> tuple[Candidate | None, float, float]:
    best: tuple[Candidate | None, float, float] = (None, math.nan, math.inf)
    for candidate in fitting:
        units = np.array([float(candidate.total(x, field)) for field in fields])
        found = fit(values, units)
        if found.residual < best[2]:
            best = (candidate, found.coefficients[0], found.residual)
        if best[2] < CERTAIN:
            break
    known = best[0] is not None and best[2] < best[0].tolerance
    return best if known else (None, math.nan, best[2])


def _log_cosh(call: Call, base: Point) -> Candidate | None:
    """Return the log cosh of a multiple of the error that constant errors fit, if one does."""
    if isinstance(base.recon, tuple):
        return None
    span = Fields(base.x).span
    errors = span * np.array([0.0, 0.01, 0.03, 0.1, 0.2, 0.4, 0.7, 1.0, -0.05, -0.3, -0.8])
    values = np.array([call.tried(base._replace(recon=base.x + float(e))) for e in errors])
    if not np.isfinite(values).all():
        return None

    def misfit(alpha: float) -> float:
        scaled = alpha * np.abs(errors)
        return fit(values, scaled + np.log1p(np.exp(-2 * scaled))).residual

    grid = np.geomspace(0.03, 1000, 200) / span
    for width in (1.05, 1.002, 1.0001):
        best = min(grid, key=misfit)
        grid = best * np.geomspace(1 / width, width, 61)
    return log_cosh(float(best)) if misfit(best) < EXACT else None


def _is_linear(call: Call, base: Point, fields: list[Recon], values: np.ndarray) -> bool:
    """Return whether the loss half-way between two reconstructions is half-way between theirs."""
    spread = float(np.nanstd(values))
    for a, b in ((0, 5), (6, 8), (2, -1)):
        middle = call.tried(base._replace(recon=_middle(fields[a], fields[b])))
        if not abs(middle - 0.5 * (values[a] + values[b])) < 1e-6 * spread:
            return False
    return True


def _middle(a: Recon, b: Recon) -> Recon:
    if isinstance(a, tuple) and isinstance(b, tuple):
        return 0.5 * (a[0] + b[0]), 0.5 * (a[1] + b[1])
    assert isinstance(a, Tensor) and isinstance(b, Tensor)
    return 0.5 * (a + b)


def _feature_axes(x: Tensor, candidate: Candidate | None) -> list[int]:
    """Return the axes over which there is something to reduce; where none is long, the first."""
    classes = None if candidate is None else candidate.class_axis
    axes = [axis for axis in range(1, x.dim()) if axis != classes]
    return [axis for axis in axes if x.shape[axis] > 1] or axes[:1]


def _majority(x: Tensor, laws: dict[int, Reduction | None]) -> Reduction | None:
    """Return the reduction of most features; what few axes do otherwise goes into the constant."""
    weights: dict[Reduction | None, int] = {}
    for axis, reduction in laws.items():
        weights[reduction] = weights.get(reduction, 1) * x.shape[axis]
    if None in weights:
        return None
    return max(weights, key=lambda reduction: weights[reduction], default=None)


def _constant(
    weight: float,
    batch: Reduction | None,
    features: Reduction | None,
    x: Tensor,
    candidate: Candidate | None,
) -> float | None:
    if math.isnan(weight):
        return None
    classes = None if candidate is None else candidate.class_axis
    count = prod(size for axis, size in enumerate(x.shape[1:], 1) if axis != classes)
    by_example = undivided(weight, batch, len(x))
    return by_example if count == 1 else undivided(by_example, features, count)


def undivided(weight: float | None, reduction: Reduction | None, count: int) -> float | None:
    """Return a weight without what its reduction divides by; None where that is not known.

    Example:
        >>> undivided(0.01, "mean", 100)
        1.0
    """
    if weight is None or reduction is None:
        return None
    return weight * {"sum": 1.0, "mean": count, "sum_times_batch": 1.0 / count}[reduction]
