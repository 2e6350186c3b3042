"""Draws of one number by its quantile function, for densities without a closed one."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

PANELS = 64
STEPS = 10  # of Newton within a panel: the first ones may go a long way, the last square the error

LogDensity = Callable[[Tensor], Tensor]


# x with int_lower^x p(t) dt = u int_lower^upper p(t) dt
@torch.no_grad()
def quantile(
    log_density: LogDensity,
    lower: Float[Tensor, "*batch"],
    upper: Float[Tensor, "*batch"],
    u: Float[Tensor, "*samples"],
) -> Float[Tensor, "*samples"]:
    """Return the point below which there is a share u of the mass, without a gradient.

    The mass is integrated panel by panel; within the panel that holds the share, Newton's method.
    A smooth function of u, so that equal u and parameters that are close give draws that are.

    Args:
        log_density: log p(t) up to a constant that makes its largest value about 0, of any t whose
            last dimensions are the batch's.
        lower: from where, [*batch].
        upper: to where; between them p has no more than one mode, some 24 deviations at most.
        u: shares in [0, 1), whose last dimensions are the batch's.
    """
    width = (upper - lower) / PANELS
    steps = torch.arange(PANELS, dtype=u.dtype, device=u.device)
    edges = lower + width * steps.reshape(-1, *([1] * lower.dim()))  # [panels, *batch]
    mass = integral(log_density, edges, edges + width, 6)
    upto = torch.cat([torch.zeros_like(mass[:1]), mass.cumsum(0)])
    wanted = u * upto[-1]
    panel = (upto[1:-1].reshape(-1, *_ones(u, lower), *lower.shape) <= wanted).sum(0)

    def at(table: Tensor) -> Tensor:
        rows = table[:PANELS].reshape(PANELS, *_ones(u, lower), *lower.shape)
        return rows.expand(PANELS, *u.shape).gather(0, panel[None])[0]

    left, rest, inside = at(edges), wanted - at(upto), at(mass)
    x = left + width * (rest / inside.clamp_min(torch.finfo(u.dtype).tiny)).clamp(0.0, 1.0)
    for _ in range(STEPS):
        excess = integral(log_density, left, x, 6) - rest
        slope = torch.exp(log_density(x)).clamp_min(torch.finfo(u.dtype).tiny)
        x = torch.minimum(torch.maximum(x - excess / slope, left), left + width)
    return x


def integral(log_density: LogDensity, start: Tensor, end: Tensor, points: int) -> Tensor:
    """Return the integral of a density between pairs of points, by Gauss-Legendre.

    Example:
        >>> zero, one = torch.zeros(1), torch.ones(1)
        >>> integral(lambda t: 2 * torch.log(t), zero, one, 6)
        tensor([0.3333])

    """
    x, w = nodes(start, points)
    t = start + (end - start) * x
    return (end - start) * (w * torch.exp(log_density(t))).sum(0)


def nodes(like: Tensor, points: int) -> tuple[Tensor, Tensor]:
    """Return Gauss-Legendre's points and weights on [0, 1], before the dimensions of a tensor."""
    shape = (points, *([1] * like.dim()))
    x, w = (
        torch.tensor(values, dtype=like.dtype, device=like.device).reshape(shape)
        for values in _gauss_legendre(points)
    )
    return x, w


@lru_cache(maxsize=8)
def _gauss_legendre(points: int) -> tuple[list[float], list[float]]:
    x, w = np.polynomial.legendre.leggauss(points)
    return (0.5 + 0.5 * x).tolist(), (0.5 * w).tolist()


def _ones(u: Tensor, batch: Tensor) -> list[int]:
    """Return a 1 for each dimension that the samples have and the batch has not."""
    return [1] * (u.dim() - batch.dim())
