"""Least squares of a few measured numbers, and when a formula counts as found."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

EXACT = 5e-4  # relative residual below which a formula counts as found; rounding is far below
SAMPLED = 0.06  # the same for a loss that samples, after averaging


@dataclass(frozen=True)
class Fit:
    """values = sum of coefficients * columns + intercept, as well as it goes.

    Attributes:
        coefficients: one a column.
        intercept: the constant.
        residual: root mean square of what is left, relative to the deviation of the values.
        errors: one standard error of each coefficient.
    """

    coefficients: tuple[float, ...]
    intercept: float
    residual: float
    errors: tuple[float, ...]


def fit(values: np.ndarray, *columns: np.ndarray) -> Fit:
    """Return the least squares fit with an intercept; what is not finite is left out.

    Example:
        >>> fit(np.array([1.0, 3.0, 5.0]), np.array([0.0, 1.0, 2.0])).coefficients
        (2.0,)
    """
    keep = np.isfinite(values) & np.all([np.isfinite(c) for c in columns], axis=0)
    y, design = values[keep], np.stack([c[keep] for c in columns], axis=1)
    if len(y) <= len(columns) + 1:
        nothing = (np.nan,) * len(columns)
        return Fit(nothing, np.nan, np.inf, nothing)
    centred, middle = design - design.mean(0), y - y.mean()
    scale = np.sqrt((centred**2).mean(0))
    scale[scale == 0] = 1.0
    solution, _, rank, _ = np.linalg.lstsq(centred / scale, middle, rcond=1e-10)
    rest = middle - centred / scale @ solution
    noise = (rest**2).sum() / max(len(y) - len(columns) - 1, 1)
    gram = np.linalg.pinv((centred / scale).T @ (centred / scale))
    deviation = np.sqrt((middle**2).mean())
    residual = np.inf if deviation == 0 else float(np.sqrt((rest**2).mean()) / deviation)
    coefficients = solution / scale
    errors = np.sqrt(np.maximum(gram.diagonal() * noise, 0)) / scale
    return Fit(
        tuple(round_off(c) for c in coefficients),
        float(y.mean() - design.mean(0) @ coefficients),
        residual if rank == len(columns) else np.inf,
        tuple(errors.tolist()),
    )


def round_off(value: float, digits: int = 12) -> float:
    """Return a number to so many digits: what rounding alone has added disappears."""
    return float(f"{value:.{digits}g}")


def sparsest(
    values: np.ndarray, library: dict[str, np.ndarray], most: int, tolerance: float
) -> tuple[dict[str, float], float] | None:
    """Return the fewest columns whose fit is within tolerance, with their coefficients.

    Example:
        >>> t = np.linspace(0, 1, 9)
        >>> found, _ = sparsest(3 * t**2, {"t": t, "t^2": t**2}, 2, 1e-6)
        >>> found
        {'t^2': 3.0}
    """
    usable = {name: c for name, c in library.items() if np.isfinite(c).sum() >= most + 3}
    for size in range(1, most + 1):
        fits = [
            (names, fit(values, *(usable[n] for n in names)))
            for names in combinations(usable, size)
        ]
        names, best = min(fits, key=lambda pair: pair[1].residual)
        if best.residual < tolerance:
            return dict(zip(names, best.coefficients, strict=True)), best.residual
    return None
