"""The largest log-likelihood that a family of densities gives to each feature by itself."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float64
from torch import Tensor

from nelbo import formulas

Values = Float64[Tensor, "rows features"]
Each = Float64[Tensor, " features"]

STEPS = 40  # of iterations that converge linearly
FREEDOMS = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0, 10.0, 15.0, 30.0)
NARROWEST = 0.01  # share of the deviation below which no scale goes: ties are no spikes


def normal(x: Values) -> Each:
    """Return -n/2 (log 2 pi s^2 + 1)."""
    return -0.5 * len(x) * (torch.log(2 * torch.pi * _variance(x)) + 1)


def two_sided(x: Values) -> Each:
    """Return -n (log 2 b + 1), b the mean distance from the median (Laplace)."""
    b = (x - x.median(0).values).abs().mean(0)
    return -len(x) * (torch.log(2 * b.clamp_min(NARROWEST * _variance(x).sqrt())) + 1)


def logistic(x: Values) -> Each:
    """Return that of the logistic distribution, by its fixed-point equations."""
    floor = NARROWEST * _variance(x).sqrt()
    centre, scale = x.mean(0), _variance(x).sqrt() * math.sqrt(3) / math.pi
    for _ in range(STEPS):
        z = (x - centre) / scale
        slope = torch.tanh(z / 2)
        weight = torch.where(z.abs() < 1e-6, 0.5, slope / torch.where(z == 0, 1.0, z))
        centre = (weight * x).sum(0) / weight.sum(0)
        scale = ((x - centre) * torch.tanh((x - centre) / (2 * scale))).mean(0).clamp_min(floor)
    z = (x - centre) / scale
    return -(z + 2 * torch.nn.functional.softplus(-z)).sum(0) - len(x) * scale.log()


# w = (nu + 1) / (nu + z^2), the EM algorithm of Lange, Little & Taylor 1989
def heavy_tailed(x: Values) -> Each:
    """Return that of Student's t, of the degrees of freedom that suit all features together."""
    each = torch.stack([_t(x, freedom) for freedom in FREEDOMS])
    return each[each.sum(1).argmax()]


def _t(x: Values, freedom: float) -> Each:
    floor = NARROWEST * _variance(x).sqrt()
    centre, scale = x.median(0).values, (x - x.median(0).values).abs().mean(0).clamp_min(floor)
    for _ in range(STEPS):
        weight = (freedom + 1) / (freedom + ((x - centre) / scale) ** 2)
        centre = (weight * x).sum(0) / weight.sum(0)
        scale = (weight * (x - centre) ** 2).mean(0).sqrt().clamp_min(floor)
    square = ((x - centre) / scale) ** 2
    constant = math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)
    constant -= 0.5 * math.log(freedom * math.pi)
    tails = -(freedom + 1) / 2 * torch.log1p(square / freedom).sum(0)
    return tails + len(x) * (constant - scale.log())


def log_normal(x: Values) -> Each:
    """Return that of log x being normal."""
    logs = x.clamp_min(torch.finfo(x.dtype).tiny).log()
    return _where(x > 0, normal(logs) - logs.sum(0))


def beta(x: Values) -> Each:
    """Return that of the beta distribution, by Newton's method from the moments."""
    inside = x.clamp(1e-12, 1 - 1e-12)
    mean, variance = inside.mean(0), _variance(inside)
    both = (mean * (1 - mean) / variance - 1).clamp_min(1e-2)
    a, b = mean * both, (1 - mean) * both
    up, down = inside.log().mean(0), torch.log1p(-inside).mean(0)
    for _ in range(STEPS):
        whole = torch.polygamma(1, a + b)
        first, second = torch.polygamma(1, a) - whole, torch.polygamma(1, b) - whole
        slope_a = up - torch.digamma(a) + torch.digamma(a + b)
        slope_b = down - torch.digamma(b) + torch.digamma(a + b)
        determinant = first * second - whole**2
        step_a = (second * slope_a + whole * slope_b) / determinant
        step_b = (whole * slope_a + first * slope_b) / determinant
        a = torch.where(a + step_a > 0.1 * a, a + step_a, 0.1 * a)
        b = torch.where(b + step_b > 0.1 * b, b + step_b, 0.1 * b)
    norm = torch.lgamma(a + b) - torch.lgamma(a) - torch.lgamma(b)
    found = len(x) * ((a - 1) * up + (b - 1) * down + norm)
    return _where((x > 0) & (x < 1), found)


def tilted(x: Values) -> Each:
    """Return that of the continuous Bernoulli."""
    inside = (x >= 0) & (x <= 1)
    logits = formulas.continuous_bernoulli_logits(x.mean(0).clamp(1e-6, 1 - 1e-6))
    return _where(inside, formulas.continuous_bernoulli_log_prob(x, logits).sum(0))


def _variance(x: Values) -> Each:
    return x.var(0, correction=0).clamp_min(1e-300)


def _where(inside: Tensor, found: Each) -> Each:
    return torch.where(inside.all(0), found, -math.inf)
