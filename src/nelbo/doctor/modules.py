"""The torch modules behind somebody's function."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from types import ModuleType
from typing import Any

from torch import nn

DEPTH = 4  # a function of a function, of an object that holds a list of modules
LONG = 100  # what is longer holds data


def behind(function: Any) -> tuple[nn.Module, ...]:
    """Return the modules that a function is, belongs to, or refers to, each once.

    Example:
        >>> layer = nn.Linear(2, 2)
        >>> behind(lambda x: layer(x)) == (layer,)
        True
    """
    found, seen, layer = dict[nn.Module, None](), set[int](), [function]
    for _ in range(DEPTH + 1):
        fresh = {id(value): value for value in layer if id(value) not in seen}
        seen |= fresh.keys()
        found |= {value: None for value in fresh.values() if isinstance(value, nn.Module)}
        layer = [part for value in fresh.values() for part in _parts(value)]
    return tuple(found)


def _parts(value: Any) -> Iterator[Any]:
    if isinstance(value, nn.Module | type | ModuleType):
        return
    if isinstance(value, functools.partial):
        yield from (value.func, *value.args, *value.keywords.values())
    elif inspect.ismethod(value):
        yield from (value.__self__, value.__func__)
    elif inspect.isfunction(value):
        yield from _closed_over(value)
        known = value.__globals__
        yield from (known[name] for name in value.__code__.co_names if name in known)
    elif isinstance(value, dict):
        yield from islice(value.values(), LONG)
    elif isinstance(value, list | tuple):
        yield from value[:LONG]
    else:
        yield from getattr(value, "__dict__", {}).values()


def _closed_over(function: Any) -> Iterator[Any]:
    for cell in function.__closure__ or ():
        with suppress(ValueError):  # a name that is bound later
            yield cell.cell_contents
