"""Activations by name."""

from __future__ import annotations

import torch
from torch import nn

from nelbo.errors import BadValue, nearest


def activation(name: str) -> nn.Module:
    """Return a new activation of `torch.nn`, named in any case.

    Args:
        name: such as "tanh", "relu" or "silu".

    Raises:
        ValueError: unknown, or one that needs arguments or mixes numbers.

    Example:
        >>> activation("silu")
        SiLU()

    """
    known = {known.lower(): known for known in nn.modules.activation.__all__}
    if name.lower() not in known:
        raise BadValue(
            "activation",
            expected="an activation of torch.nn",
            got=f"'{name}'",
            fix=nearest(name, known),
        )
    found = _by_itself(getattr(nn, known[name.lower()]))
    if found is None:
        raise BadValue(
            "activation",
            expected="one that takes each number by itself, without arguments",
            got=f"'{name}'",
            fix="Try 'relu' or 'silu'.",
        )
    return found


def _by_itself(kind: type[nn.Module]) -> nn.Module | None:
    """Return an activation, or None where it needs arguments or mixes numbers."""
    if "softmax" in kind.__name__.lower() or kind is nn.Softmin:
        return None
    try:
        found = kind()
        return found if found(torch.zeros(2, 3)).shape == (2, 3) else None
    except (TypeError, RuntimeError):
        return None
