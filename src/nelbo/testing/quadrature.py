"""Points and weights that sum or integrate over the support of one feature."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import constraints
from torch.distributions.constraints import Constraint

from nelbo.errors import BadValue
from nelbo.likelihoods.levels import Levels

Nodes = tuple[Float[Tensor, " nodes"], Float[Tensor, " nodes"]]
Events = tuple[Float[Tensor, "nodes *event"], Float[Tensor, " nodes"]]

_IntegersFrom = type(constraints.nonnegative_integer)


def nodes(support: Constraint, centre: float, width: float) -> Nodes:
    """Return x_i and w_i such that sum_i w_i f(x_i) is the sum or integral of f over `support`.

    Integrals are Gauss-Legendre of 16 points on panels in u, where x is `centre + width sinh u` on
    the real line, `lower + width e^u` on a half-line and a sigmoid of u on an interval: fine where
    a density of that centre and width is, and far into tails of any power.

    Raises:
        ValueError: the support is none of a set of integers, an interval or the real line.

    Example:
        >>> x, w = nodes(constraints.real, centre=0.0, width=1.0)
        >>> round(float((w * torch.exp(-x.square() / 2)).sum() ** 2), 6)  # 2 pi
        6.283185

    """
    if isinstance(support, Levels):
        return support.values, torch.ones_like(support.values)
    lower = getattr(support, "lower_bound", None)
    upper = getattr(support, "upper_bound", None)
    if support is constraints.boolean:
        return _integers(0, 1)
    if isinstance(support, constraints.integer_interval):
        return _integers(int(lower or 0), int(upper or 0))
    if isinstance(support, _IntegersFrom):
        tail = width**2 / max(centre, 1e-3)  # length of a geometric tail
        return _integers(int(lower or 0), min(int(centre + 60 * (width + tail)) + 100, 2**21))
    u, w = _panels()
    if lower is not None and upper is not None:
        s = torch.sigmoid(u)
        return lower + (upper - lower) * s, w * (upper - lower) * s * (1.0 - s)
    if lower is not None:
        return lower + width * torch.exp(u), w * width * torch.exp(u)
    if support is constraints.real:
        return centre + width * torch.sinh(u), w * width * torch.cosh(u)
    raise BadValue(
        "support",
        expected="integers, an interval or the real line",
        got=f"{support}",
        fix="Declare the constraint of one feature, such as torch.distributions.constraints.real.",
    )


def events(support: Constraint, shape: tuple[int, ...], centre: float, width: float) -> Events:
    """Return points [n, *shape] and weights for an example of one feature, or of one event.

    Args:
        support: of one feature, or of a row of them that is one-hot.
        shape: of the example; all of its axes are 1 except a row's.
        centre: of the density.
        width: of the density.
    """
    if support is constraints.one_hot:
        rows = torch.eye(shape[-1], dtype=torch.float64)
        return rows.reshape(-1, *shape), torch.ones(len(rows), dtype=torch.float64)
    x, weights = nodes(support, centre, width)
    return x.reshape(-1, *shape), weights


def dense_nodes(centre: float, width: float, count: int = 300_001) -> Nodes:
    """Return the trapezoidal rule on `centre` +- 15 `width`: for light tails, and sharp corners.

    Example:
        >>> x, w = dense_nodes(centre=0.0, width=1.0)
        >>> round(float((w * torch.exp(-x.abs()) ** 3).sum()), 6)
        0.666667

    """
    x = torch.linspace(centre - 15 * width, centre + 15 * width, count, dtype=torch.float64)
    return x, torch.full_like(x, 30 * width / (count - 1))


def _integers(first: int, last: int) -> Nodes:
    x = torch.arange(first, last + 1, dtype=torch.float64)
    return x, torch.ones_like(x)


def _panels(reach: float = 35.0, panels: int = 560) -> Nodes:
    x, w = (torch.from_numpy(v) for v in np.polynomial.legendre.leggauss(16))
    half = reach / panels
    middles = torch.linspace(-reach + half, reach - half, panels, dtype=torch.float64)
    return (middles[:, None] + half * x).flatten(), (half * w).repeat(panels)
