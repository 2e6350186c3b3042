"""Free bits and capacities: a term that is a function of the KL, flat or turned near zero."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from nelbo.doctor.audit.fields import standard_kl
from nelbo.doctor.audit.posterior import Latents
from nelbo.doctor.audit.reconstruction import rounding
from nelbo.doctor.audit.regression import EXACT, Fit, fit

Bend = Callable[[Tensor, float], Tensor]
FREE_BITS = "free_bits"
Level = Literal["latent", "example", "batch", "latent over the batch", ""]
NATS = np.geomspace(1e-4, 1e4, 41)  # of a latent


@dataclass(frozen=True)
class Threshold:
    """A KL that is clamped from below, or drawn to a capacity.

    Attributes:
        form: `"free_bits"` or `"capacity"`.
        weight: a_K far above the threshold; None where the term is not linear there.
        nats: the threshold, of a latent or of an example as `level` says.
        level: what is compared with it: the KL of a latent, of an example, or their means over
            the batch; empty where it cannot be told.
        residual: relative misfit.
        squared: whether it is the square of the distance to a capacity.
    """

    form: Literal["free_bits", "capacity"]
    weight: float | None
    nats: float
    level: Level
    residual: float
    squared: bool = False


def find_threshold(
    posterior: Latents, pairs: list[tuple[Tensor, Tensor]], values: np.ndarray
) -> Threshold | None:
    """Return the threshold, where the term is a function of the KL that has one."""
    if not _depends_on_the_kl_alone(posterior):
        return None
    count, latent = math.prod(posterior.sizes), posterior.sizes[1]
    curve = np.array([posterior(math.sqrt(2 * nats), 0.0) for nats in NATS]) / count
    start, slope = posterior(0.0, 0.0) / count, (curve[-1] - curve[-2]) / (NATS[-1] - NATS[-2])
    line_at_zero = curve[-1] - slope * NATS[-1]
    before = (curve[-2] - curve[-3]) / (NATS[-2] - NATS[-3])
    if slope == 0 or not math.isfinite(slope):
        return None
    if abs(before / slope - 1) > 0.01:
        return _squared(posterior, curve, latent)
    gap = float((start - line_at_zero) / slope)
    first = (curve[1:4] - start) / NATS[1:4] / slope
    if np.abs(first).max() < 0.02 and gap > NATS[0]:
        return _with_level(FREE_BITS, slope, gap, latent, pairs, values)
    if np.abs(first).max() < 0.02:  # nothing below, all of it above: a mask
        flat = np.abs(curve - start) < 1e-6 * np.ptp(curve)
        gap = _jump(posterior, start * count, NATS[flat].max())
        return _with_level(FREE_BITS, slope, gap, latent, pairs, values, bend=_masked)
    if np.abs(first + 1).max() < 0.02 and gap > 0:
        return _with_level("capacity", slope, gap / 2, latent, pairs, values)
    return None


def _squared(posterior: Latents, curve: np.ndarray, latent: int) -> Threshold | None:
    """Return the capacity of a squared distance, whose weight is no weight of a KL."""
    quadratic = np.polyfit(NATS[20:], curve[20:], 2)
    curvature, linear, _ = quadratic
    left = np.polyval(quadratic, NATS) - curve
    if curvature <= 0 or np.abs(left).max() > 1e-4 * np.ptp(curve) or linear >= 0:
        return None
    capacity = -linear / (2 * curvature) * latent
    if capacity < NATS[0]:
        return None  # the square of the KL itself
    return Threshold("capacity", None, float(capacity), "", 0.0, squared=True)


def _depends_on_the_kl_alone(posterior: Latents) -> bool:
    """Return whether posteriors of equal KL, moved or widened or narrowed, cost the same."""
    start = posterior(0.0, 0.0)
    slack = 100 * rounding(posterior.call, np.array([start]))
    for logvar in (-3.0, -1.0, 1.0, 2.5):
        nats = float(standard_kl(torch.zeros(()), torch.tensor(logvar)))
        pair = posterior(0.0, logvar), posterior(math.sqrt(2 * nats), 0.0)
        reach = max(abs(cost - start) for cost in pair)
        if not abs(pair[0] - pair[1]) <= 1e-4 * reach + slack:
            return False
    return True


def _jump(posterior: Latents, start: float, low: float) -> float:
    """Return the KL of a latent at which the loss leaves its start, by bisection."""
    high = 2 * low
    slack = rounding(posterior.call, np.array([start]))
    for _ in range(30):
        middle = math.sqrt(low * high)
        still = abs(posterior(math.sqrt(2 * middle), 0.0) - start) <= slack
        low, high = (middle, high) if still else (low, middle)
    return low


def _with_level(
    form: Literal["free_bits", "capacity"],
    slope: float,
    nats: float,
    latent: int,
    pairs: list[tuple[Tensor, Tensor]],
    values: np.ndarray,
    bend: Bend | None = None,
) -> Threshold:
    """Return the threshold at the level at which it explains posteriors that vary."""
    bend = bend or (_clamped if form == FREE_BITS else _distance)
    kls = [standard_kl(mu, logvar) for mu, logvar in pairs]
    batch = len(kls[0])
    levels: dict[Level, list[float]] = {
        "latent": [float(bend(kl, nats).sum()) for kl in kls],
        "example": [float(bend(kl.sum(1), nats * latent).sum()) for kl in kls],
        "batch": [batch * float(bend(kl.sum(1).mean(), nats * latent)) for kl in kls],
        "latent over the batch": [batch * float(bend(kl.mean(0), nats).sum()) for kl in kls],
    }
    fits: dict[Level, Fit] = {
        level: fit(values, np.array(units)) for level, units in levels.items()
    }
    best: Level = min(fits, key=lambda level: fits[level].residual)
    residual = fits[best].residual
    if residual > EXACT:
        return Threshold(form, slope, nats * latent, "", residual)
    of_latent = best in ("latent", "latent over the batch")
    return Threshold(form, slope, nats if of_latent else nats * latent, best, residual)


def _clamped(kl: Tensor, nats: float) -> Tensor:
    return kl.clamp_min(nats)


def _masked(kl: Tensor, nats: float) -> Tensor:
    return kl * (kl > nats)


def _distance(kl: Tensor, nats: float) -> Tensor:
    return (kl - nats).abs()
