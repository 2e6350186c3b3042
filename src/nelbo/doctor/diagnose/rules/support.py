"""Is the data what the stated likelihood is a likelihood of?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nelbo.doctor.diagnose.case import Case
from nelbo.doctor.finding import Finding


def support(case: Case) -> Iterator[Finding]:
    """Find data on which the likelihood is defined but no log-probability."""
    likelihood = case.likelihood
    inputs: Any = getattr(case.model, "inputs", None)
    if likelihood is None or (inputs is not None and (inputs.covariates or inputs.missing)):
        return  # no data of its own kind is left: gaps are filled with means
    if likelihood.check(case.x):
        return
    name = type(likelihood).__name__
    between = float(((case.x > 0) & (case.x < 1)).double().mean())
    yield Finding(
        "grey_values" if name == "Bernoulli" else "outside_support",
        "warning",
        f"{name} is no likelihood of this data: {likelihood.warning.split('. ')[0]}, so that the "
        "numbers are no log-probabilities and compare with nothing.",
        {"share of the values between 0 and 1": between},
        likelihood.warning.split(". ", 1)[-1],
    )
