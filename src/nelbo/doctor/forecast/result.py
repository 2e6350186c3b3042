"""`Forecast`: what a loss will do to data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from jaxtyping import Float
from torch import Tensor

Verdict = Literal["learns", "marginal", "collapses"]
SLOW = (0.8, 1.25)  # margins between these are too near to 1 to tell within a finite training


@dataclass(frozen=True)
class Forecast:
    """What a loss will do to data, from second-order stability of the collapsed solution.

    Attributes:
        margin: largest eigenvalue over beta; above 1 training escapes from collapse.
        eigenvalues: of the data's scores in units of the loss's curvature, descending; of more
            than 2048 features only the largest.
        verdict: `"learns"`, `"collapses"`, or, at margins from 0.8 to 1.25, `"marginal"`: the
            escape is so slow that a run looks collapsed for long.
        dimensions: the number of eigenvalues above beta: the number of latents that a linear
            decoder would use; a deep one uses another number, neither bounded by it nor bounding.
        critical_beta: the beta at which the margin is 1; for a loss, the factor on its own KL.
        critical_variance: for a Gaussian of stated variance (or a squared error), the variance
            at which the margin is 1 at this beta.
        notes: the exceptions that apply, each a sentence.

    Example:
        >>> print(foretold([5.1, 3.7, 0.2], beta=1.0))
        learns: margin 5.1 (largest eigenvalue over beta), 2 linear-equivalent dimensions (exact
        only for a linear Gaussian decoder)
    """

    margin: float
    eigenvalues: tuple[float, ...]
    verdict: Verdict
    dimensions: int
    critical_beta: float
    critical_variance: float | None = None
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        plural = "" if self.dimensions == 1 else "s"
        return (
            f"{self.verdict}: margin {self.margin:.3g} (largest eigenvalue over beta), "
            f"{self.dimensions:,} linear-equivalent dimension{plural} "
            "(exact only for a linear Gaussian decoder)"
        )


def verdict(margin: float) -> Verdict:
    """Return what a margin foretells.

    Example:
        >>> [verdict(margin) for margin in (0.5, 1.0, 2.0)]
        ['collapses', 'marginal', 'learns']
    """
    if margin < SLOW[0]:
        return "collapses"
    return "learns" if margin > SLOW[1] else "marginal"


def foretold(
    eigenvalues: Float[Tensor, " values"] | Iterable[float],
    beta: float,
    variance: float | None = None,
    notes: Iterable[str] = (),
) -> Forecast:
    """Return the forecast that a spectrum makes.

    Args:
        eigenvalues: descending.
        beta: weight of the KL.
        variance: the noise variance that the eigenvalues are in units of, where one was stated.
        notes: the exceptions that apply.
    """
    values = eigenvalues.tolist() if isinstance(eigenvalues, Tensor) else eigenvalues
    found = tuple(float(value) for value in values)
    largest = found[0] if found else 0.0
    margin = largest / beta
    return Forecast(
        margin=margin,
        eigenvalues=found,
        verdict=verdict(margin),
        dimensions=sum(value > beta for value in found),
        critical_beta=largest,
        critical_variance=None if variance is None else largest * variance / beta,
        notes=tuple(notes),
    )
