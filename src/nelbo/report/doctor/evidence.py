"""A finding's evidence as names and numbers with three digits."""

from __future__ import annotations

import math
from collections.abc import Mapping

from nelbo.report import format


def shown(evidence: Mapping[str, float | int | str]) -> list[tuple[str, str]]:
    """Return each measured number under its name.

    Example:
        >>> shown({"implied_variance": 392.0, "largest eigenvalue": 5.1169, "features": 784})
        [('implied variance', '392'), ('largest eigenvalue', '5.12'), ('features', '784')]
    """
    return [(name.replace("_", " "), _value(value)) for name, value in evidence.items()]


def _value(value: float | int | str) -> str:
    if isinstance(value, bool | str):
        return str(value)
    whole = math.isfinite(value) and value == round(value)
    return format.exact(value) if whole else format.three(value)
