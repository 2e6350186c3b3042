"""What a user's loss returns: the value itself, or a tuple or dictionary with it inside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

TOTALS = ("loss", "total_loss", "total", "loss_total", "vae_loss")  # names in a dictionary


def alone(value: Any) -> tuple[Any, str]:
    """Return a loss's value without what came with it, and where it was taken from.

    Example:
        >>> alone((0.5, 0.2, 0.3))
        (0.5, 'the first of 3 returned values')
        >>> alone(0.5)
        (0.5, '')
    """
    if isinstance(value, Mapping):
        name = next((name for name in TOTALS if name in value), None)
        if name is not None:
            return value[name], f"the entry '{name}' of a dictionary"
    if isinstance(value, tuple | list) and value:
        return value[0], f"the first of {len(value)} returned values"
    return value, ""
