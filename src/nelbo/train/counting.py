"""Numbers that modules keep in Python, and change as they are called."""

from __future__ import annotations

from collections.abc import Mapping

from torch import nn

Numbers = dict[tuple[str, str], int | float]


def numbers(module: nn.Module) -> Numbers:
    """Return the numbers that modules keep in Python, by module and name."""
    return {
        (name, key): value
        for name, part in module.named_modules()
        for key, value in {**vars(type(part)), **vars(part)}.items()
        if isinstance(value, int | float)
    }


def put_back(module: nn.Module, before: Mapping[tuple[str, str], int | float]) -> bool:
    """Set them to what they were; return whether any had changed."""
    after = numbers(module)
    counted = [place for place in before if after.get(place) != before[place]]
    for name, key in counted:
        setattr(module.get_submodule(name), key, before[name, key])
    return bool(counted)
