"""Where a forecast's line lies among the data's variances, in units that people know."""

from __future__ import annotations

import math
from dataclasses import dataclass

from nelbo.doctor import Forecast
from nelbo.report import format
from nelbo.report.words import Phrases


@dataclass(frozen=True)
class Level:
    """The spectrum and its line: in squared units of the data where a noise variance was stated.

    Attributes:
        values: the eigenvalues, descending.
        line: what they have to exceed.
        beta: the weight of the KL.
        variance: the noise variance, where one was stated; else values and line are in its units.
    """

    values: tuple[float, ...]
    line: float
    beta: float
    variance: float | None

    @property
    def top(self) -> float:
        """The largest eigenvalue."""
        return self.values[0]

    @property
    def above(self) -> int:
        """The number of eigenvalues above the line."""
        return sum(value > self.line for value in self.values)

    @property
    def text(self) -> str:
        """The line's name and number."""
        name = "β" if self.variance is None else "σ²" if _is_one(self.beta) else "β σ²"
        return f"{name} = {probed(self.line)}"

    def noise(self, words: Phrases) -> str:
        """Return the noise in words; of a stated variance only."""
        variance, beta = probed(self.variance), probed(self.beta)
        key = "doctor.forecast.noise" + ("" if _is_one(self.beta) else ".beta")
        return words(key, variance=variance, beta=beta)


def level(found: Forecast) -> Level | None:
    """Return the spectrum and its line, None where nothing varies."""
    values = sorted(found.eigenvalues, reverse=True)
    if not values or not values[0] > 0 or not 0 < found.margin < math.inf:
        return None
    beta, critical = values[0] / found.margin, found.critical_variance
    variance = critical / found.margin if critical and math.isfinite(critical) else None
    unit = 1.0 if variance is None else variance
    return Level(tuple(unit * value for value in values), unit * beta, beta, variance)


def probed(x: float | None) -> str:
    """Return a probed number with three digits, without zeros that only probing put there.

    Example:
        >>> probed(391.99999), probed(0.5), probed(None)
        ('392', '0.5', '–')
    """
    if x is None or not math.isfinite(x):
        return format.three(x)
    return format.exact(x if x == round(x) else float(f"{x:.3g}"))


def _is_one(beta: float) -> bool:
    return math.isclose(beta, 1.0, rel_tol=1e-3)
