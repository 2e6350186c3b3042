"""Losses that rescale the data inside: bytes over 255, (x + 1) / 2, smoothed labels."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from nelbo.doctor.audit.calling import Recon
from nelbo.doctor.audit.families import CANDIDATES, UNIT_INTERVAL, Candidate
from nelbo.doctor.audit.regression import Fit, fit

IN_DATA = ("squared_error", *UNIT_INTERVAL)
USUAL = ((1 / 255, 0.0), (1 / 127.5, -1.0), (0.5, 0.5), (2.0, -1.0))
TRACE = 1e-3  # share of the values' deviation below which a column has none


class Rescaled(NamedTuple):
    """A known formula of scale * x + shift, with its weight and relative misfit."""

    candidate: Candidate
    weight: float
    residual: float


def find_rescaled(x: Tensor, fields: list[Recon], values: np.ndarray) -> Rescaled | None:
    """Return the formula that fits when the data may be rescaled, if one does."""
    if isinstance(fields[0], tuple):
        tried = [c for c in CANDIDATES if c.outputs == 2]
        return next(filter(None, (_usual(c, x, fields, values) for c in tried)), None)
    tried = [c for c in CANDIDATES if c.family in IN_DATA]
    found = next(filter(None, (_regressed(c, x, fields, values) for c in tried)), None)
    absolute = next(c for c in CANDIDATES if c.family == "absolute_error")
    return found or _usual(absolute, x, fields, values)


# for any scale and shift, up to what does not depend on the reconstruction,
#     l(scale x + shift, r) = l(0, r) + scale (l(x, r) - l(0, r)) + shift (l(1, r) - l(0, r))
def _regressed(
    candidate: Candidate, x: Tensor, fields: list[Recon], values: np.ndarray
) -> Rescaled | None:
    """Return the scale and shift of a formula that is linear in the data, or quadratic in x - r."""
    empty, own, full = (
        np.array([float(candidate.total(t, field)) for field in fields])
        for t in (torch.zeros_like(x), x, torch.ones_like(x))
    )
    with np.errstate(invalid="ignore"):
        columns = empty, own - empty, full - empty
    found = fit(values, *columns)
    weight, by_data, by_one = found.coefficients
    if not _fits(found, candidate, values) or weight == 0:
        return None
    if min(_trace(values, columns[0], weight), _trace(values, columns[1], by_data)) < TRACE:
        return None
    scale, shift = by_data / weight, by_one / weight
    if abs(shift) < 1e-6 * abs(scale) * float(x.abs().max()):
        shift = 0.0
    known = candidate.rescaled(round(scale, 12), round(shift, 9))
    return Rescaled(known, weight, found.residual)


def _usual(
    candidate: Candidate, x: Tensor, fields: list[Recon], values: np.ndarray
) -> Rescaled | None:
    """Return the first of the usual ways of rescaling that makes a formula fit."""
    for known in (candidate.rescaled(*usual) for usual in USUAL):
        units = [float(known.total(x, field)) for field in fields]
        found = fit(values, np.array(units))
        if _fits(found, known, values):
            return Rescaled(known, found.coefficients[0], found.residual)
    return None


def _fits(found: Fit, candidate: Candidate, values: np.ndarray) -> bool:
    return found.residual < candidate.tolerance and int(np.isfinite(values).sum()) >= 8


def _trace(values: np.ndarray, column: np.ndarray, coefficient: float) -> float:
    """Return the deviation that a column explains, relative to that of the values."""
    keep = np.isfinite(values) & np.isfinite(column)
    return abs(coefficient) * float(np.std(column[keep]) / np.std(values[keep]))
