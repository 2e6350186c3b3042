"""Which formula a loss is in the reconstruction, read off its values at many fields."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from nelbo.doctor.audit.calling import Call, Point, Recon
from nelbo.doctor.audit.families import Candidate, candidates, log_cosh
from nelbo.doctor.audit.fields import Fields
from nelbo.doctor.audit.regression import EXACT, fit
from nelbo.doctor.audit.rescaled import find_rescaled
from nelbo.doctor.audit.results import Family

CERTAIN = 1e-8  # relative misfit that no other formula will have
FEWEST = 5  # fields at which the loss has to be finite
SCALED = "times the error"


@dataclass(frozen=True)
class Probe:
    """The loss at many reconstructions.

    Attributes:
        output: the kind of field at which it answered, which may not be the stated one.
        fields: the reconstructions.
        values: the loss at each of them.
        stated: the share of the stated output's fields at which it is finite.
    """

    output: str
    fields: list[Recon]
    values: np.ndarray
    stated: float

    @property
    def finite(self) -> float:
        """The share of these fields at which the loss is finite."""
        return float(np.isfinite(self.values).mean())

    @property
    def enough(self) -> bool:
        """Whether it is finite at enough of them to tell anything."""
        return int(np.isfinite(self.values).sum()) >= FEWEST

    @property
    def range(self) -> float:
        """The largest difference between finite values."""
        return float(np.ptp(self.values[np.isfinite(self.values)])) if self.finite else 0.0

    @property
    def lowest(self) -> Recon:
        """The field at which the loss is smallest; the first where none is finite."""
        return self.fields[int(np.nan_to_num(self.values, nan=np.inf, neginf=np.inf).argmin())]

    @property
    def highest(self) -> Recon:
        """The field at which the loss is largest."""
        return self.fields[int(np.nan_to_num(self.values, nan=-np.inf, posinf=-np.inf).argmax())]


@dataclass(frozen=True)
class Identity:
    """The formula that fits best.

    Attributes:
        family: its name, `"unknown"` where none fits.
        candidate: the formula.
        weight: what multiplies its unit; None where it has no unit.
        residual: relative misfit.
    """

    family: Family
    candidate: Candidate | None
    weight: float | None
    residual: float

    @property
    def remark(self) -> str:
        """What is special about it."""
        return "" if self.candidate is None else self.candidate.remark

    @property
    def compared(self) -> tuple[float, float]:
        """Scale and shift: the loss takes scale * x + shift for the data."""
        return (1.0, 0.0) if self.candidate is None else self.candidate.compared

    @property
    def class_axis(self) -> int | None:
        """The axis of the classes, where there is one."""
        return None if self.candidate is None else self.candidate.class_axis


def probe(call: Call, base: Point, output: str) -> Probe:
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
    return Probe(*best, stated=float(np.isfinite(tried[0][2]).mean()))


def identify(call: Call, base: Point, probed: Probe) -> Identity:
    """Return the formula of the reconstruction term, with its weight."""
    x, pair = base.x, isinstance(probed.fields[0], tuple)
    found = _best(candidates(x, 2 if pair else 1), x, probed)
    if found.candidate is None and not pair and (scaled := _log_cosh(call, base)) is not None:
        found = _best([scaled], x, probed)
    if found.candidate is None:
        found = _rescaled(x, probed) or found
    if found.candidate is None and _is_linear(call, base, probed):
        return Identity("linear_in_recon", None, None, found.residual)
    return found


def _best(fitting: list[Candidate], x: Tensor, probed: Probe) -> Identity:
    best: tuple[Candidate | None, float, float] = (None, math.nan, math.inf)
    for candidate in fitting:
        units = np.array([float(candidate.total(x, field)) for field in probed.fields])
        found = fit(probed.values, units)
        if found.residual < best[2]:
            best = (candidate, found.coefficients[0], found.residual)
        if best[2] < CERTAIN:
            break
    candidate, weight, residual = best
    if candidate is None or residual > candidate.tolerance:
        return Identity("unknown", None, None, residual)
    no_unit = candidate.family in ("unknown", "linear_in_recon") or SCALED in candidate.remark
    return Identity(candidate.family, candidate, None if no_unit else weight, residual)


def _rescaled(x: Tensor, probed: Probe) -> Identity | None:
    found = find_rescaled(x, probed.fields, probed.values)
    if found is None:
        return None
    return Identity(found.candidate.family, found.candidate, found.weight, found.residual)


def _log_cosh(call: Call, base: Point) -> Candidate | None:
    """Return the log cosh of a multiple of the error that constant errors fit, if one does."""
    span = Fields(base.x).span
    errors = span * np.array([0.0, 0.01, 0.03, 0.1, 0.2, 0.4, 0.7, 1.0, -0.05, -0.3, -0.8])
    values = np.array([call.tried(base._replace(recon=base.x + float(e))) for e in errors])
    if not np.isfinite(values).all():
        return None

    def misfit(alpha: float) -> float:
        scaled = alpha * np.abs(errors)
        return fit(values, scaled + np.log1p(np.exp(-2 * scaled))).residual

    grid, best = np.geomspace(0.03, 1000, 200) / span, 1.0
    for width in (1.05, 1.002, 1.0001):
        best = min(grid, key=misfit)
        grid = best * np.geomspace(1 / width, width, 61)
    return log_cosh(float(best)) if misfit(best) < EXACT else None


def _is_linear(call: Call, base: Point, probed: Probe) -> bool:
    """Return whether the loss half-way between two reconstructions is half-way between theirs."""
    fields, values, spread = probed.fields, probed.values, float(np.nanstd(probed.values))
    for a, b in ((0, 5), (6, 8), (2, -1)):
        middle = call.tried(base._replace(recon=_middle(fields[a], fields[b])))
        if not abs(middle - 0.5 * (values[a] + values[b])) < 1e-6 * spread:
            return False
    return True


def _middle(a: Recon, b: Recon) -> Recon:
    if isinstance(a, tuple) and isinstance(b, tuple):
        return 0.5 * (a[0] + b[0]), 0.5 * (a[1] + b[1])
    return 0.5 * (one(a) + one(b))


def one(recon: Recon) -> Tensor:
    """Return a reconstruction that is known to be a single tensor."""
    assert isinstance(recon, Tensor)
    return recon
