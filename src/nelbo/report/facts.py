"""What the rows are and why they collapsed: the few cases that every sentence is made from."""

from __future__ import annotations

import math
from typing import Literal

from nelbo.compare.results import Comparison, Row
from nelbo.report import format
from nelbo.report.words import Words

Cause = Literal["variance", "margin", "marginal", "unexplained"]
_SAME = 0.01  # outputs that vary by less than this share of the data's deviation look alike
_SLOW = 2.0  # margins above 1 and below this escape slowly


def collapsed(c: Comparison) -> tuple[Row, ...]:
    """Return the rows whose outputs do not depend on the input."""
    return tuple(row for row in c.rows if row.verdict == "collapses")


def cause(c: Comparison, row: Row) -> Cause:
    """Return what explains that a row collapsed: its variance, its margin, or neither.

    A margin that is marginal and above 1 explains it too: there learning starts late.
    """
    if row.margin < 1:
        above = row.variance is not None and row.variance > top(c)
        return "variance" if above else "margin"
    return "marginal" if row.forecast == "marginal" else "unexplained"


def despite(c: Comparison) -> tuple[Row, ...]:
    """Return the rows that learned although their forecast said collapse."""
    return tuple(row for row in c.rows if row.verdict == "learns" and row.forecast == "collapses")


def top(c: Comparison) -> float:
    """Return the largest eigenvalue of the data's covariance."""
    return max(c.spectrum, default=math.nan)


def averaged(c: Comparison) -> Row | None:
    """Return the squared error averaged over the features: a stated variance of D/2."""
    return _stated(c, c.features / 2) if c.features > 1 else None


def summed(c: Comparison) -> Row | None:
    """Return the squared error summed over the features: a stated variance of 1/2."""
    return _stated(c, 0.5)


def best(c: Comparison) -> Row | None:
    """Return the row that learned with the smallest squared error."""
    learned = [row for row in c.rows if row.verdict == "learns"]
    return min(learned, key=lambda row: value(row, "squared_error"), default=None)


def looks_the_same(c: Comparison, row: Row) -> bool:
    """Return whether its outputs differ by too little to be seen."""
    deviation = math.sqrt(c.total_variance / c.features)
    return deviation == 0 or value(row, "output_deviation") <= _SAME * deviation


def is_slow(row: Row) -> bool:
    """Return whether a margin is above 1, but so little that learning starts late."""
    return 1 <= row.margin < _SLOW


def value(row: Row, name: str) -> float:
    """Return an estimate's value, nan where it was not measured."""
    estimate = row.estimates.get(name)
    return math.nan if estimate is None else estimate.value


def active(row: Row) -> str:
    """Return the number of active latents."""
    return format.count(value(row, "active_units"))


def latents(c: Comparison) -> int | None:
    """Return the number of latents."""
    for row in c.rows:
        estimate = row.estimates.get("active_units")
        if estimate is not None and estimate.parts:
            return len(estimate.parts)
    return c.made.get("latent")


def bars_above(c: Comparison, variance: float) -> int:
    """Return the number of eigenvalues above a variance."""
    return sum(eigenvalue > variance for eigenvalue in c.spectrum)


def what(row: Row, words: Words) -> str:
    """Return what a loss is as a likelihood: "Gaussian, variance 392"."""
    name = row.likelihood.partition(":")[0]
    if row.variance is None:
        return words(f"is.{name}") if words.has(f"is.{name}") else row.belief
    if name != "gaussian":
        return words("is.other", name=name, variance=variance(row))
    kind = "is.gaussian.learned" if row.variance_source == "learned" else "is.gaussian"
    return words(kind, variance=variance(row))


def variance(row: Row) -> str:
    """Return a row's variance: as stated, or with three digits where it was learned."""
    if row.variance is None:
        return "–"
    stated = row.variance_source == "stated"
    return format.exact(row.variance) if stated else format.three(row.variance)


def code(rows: tuple[Row, ...] | list[Row], words: Words) -> str:
    """Return the names of the rows, marked as code with backticks."""
    return words.list([f"`{row.name}`" for row in rows])


def _stated(c: Comparison, wanted: float) -> Row | None:
    for row in c.rows:
        if row.likelihood.startswith("gaussian") and row.variance_source == "stated":
            assert row.variance is not None
            if math.isclose(row.variance, wanted, rel_tol=1e-4):
                return row
    return None
