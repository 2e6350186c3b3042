"""The logistic distribution rounded to the levels 0, 1/(K-1), .. 1, its edges open."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from nelbo.likelihoods.levels import increasing_inverse
from nelbo.likelihoods.scale import floored

# Salimans et al. 2017 keep the log scale above -7, for data in [-1, 1]
LOG_SCALE_FLOOR = -7.0 - math.log(2.0)
REACH = 50.0  # scales from the data within which a location is looked for
RARE = 5e-7  # how far a mean stays away from 0 and 1


def log_scale_of(rho: Tensor) -> Tensor:
    """Return the logarithm of the scale, softly floored."""
    return floored(rho, LOG_SCALE_FLOOR)


# log p(x) = log [F((x + h - m) / s) - F((x - h - m) / s)], F the sigmoid, h half a step; the
# lowest level has all that lies below it, the highest all above      Salimans et al. 2017, (2)
# with F(b) - F(a) = F(b) F(-a) (1 - e^(a - b)), which underflows nowhere
def log_mass(x: Tensor, location: Tensor, log_scale: Tensor, levels: int) -> Tensor:
    """Return the log-probability of each level, elementwise."""
    half = 0.5 / (levels - 1)
    narrow = torch.exp(-log_scale)
    lowest, highest = x < half, x > 1 - half
    upper = F.logsigmoid((x + half - location) * narrow)
    lower = F.logsigmoid((location - x + half) * narrow)
    width = torch.log(-torch.expm1(-2 * half * narrow)).expand_as(upper)
    return (
        upper.masked_fill(highest, 0.0)
        + lower.masked_fill(lowest, 0.0)
        + width.masked_fill(lowest | highest, 0.0)
    )


# E[k] = sum_j>=1 P(k >= j)
def mass_mean(location: Tensor, log_scale: Tensor, levels: int) -> Tensor:
    """Return the mean over the levels, one of them at a time to save memory."""
    narrow = torch.exp(-log_scale)
    total = torch.zeros_like(location * narrow)
    for j in range(1, levels):
        total = total + torch.sigmoid((location - (j - 0.5) / (levels - 1)) * narrow)
    return total / (levels - 1)


# E[(k - c)^2] = sum_j>c (2 (j - c) - 1) P(k >= j) + sum_j<=c (2 (c - j) + 1) P(k < j)
def mass_variance(location: Tensor, log_scale: Tensor, levels: int) -> Tensor:
    """Return the variance over the levels, from c, the level next to the mean."""
    narrow = torch.exp(-log_scale)
    mean = mass_mean(location, log_scale, levels) * (levels - 1)
    centre = mean.round()
    total = torch.zeros_like(mean)
    for j in range(1, levels):
        away = (location - (j - 0.5) / (levels - 1)) * narrow
        weight = 2 * (j - centre) - 1
        total = total + weight.abs() * torch.sigmoid(torch.where(weight > 0, away, -away))
    return (total - (mean - centre) ** 2).clamp_min(0.0) / (levels - 1) ** 2


def draw(location: Tensor, log_scale: Tensor, levels: int) -> Tensor:
    """Return a level for each location."""
    noise = torch.logit(torch.rand_like(location), eps=torch.finfo(location.dtype).eps)
    x = location + noise * torch.exp(log_scale)
    return (x * (levels - 1)).round().clamp(0, levels - 1) / (levels - 1)


def location_at(
    mean: Float[Tensor, " *event"], log_scale: Tensor, levels: int
) -> Float[Tensor, " *event"]:
    """Return the location at which the levels have this mean."""
    scale = torch.exp(log_scale)

    def at(t: Tensor) -> Tensor:
        return mass_mean(0.5 + t * (0.5 + REACH * scale), log_scale, levels)

    t = increasing_inverse(at, mean.clamp(RARE, 1 - RARE), -1.0, 1.0)
    return 0.5 + t * (0.5 + REACH * scale)
