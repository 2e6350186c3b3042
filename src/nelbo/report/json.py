"""`compare.json`: everything but the images, unrounded."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from nelbo.compare.results import Comparison
from nelbo.files import write_atomically

SCHEMA = 1


def comparison(c: Comparison) -> dict[str, Any]:
    """Return the comparison as plain dictionaries, lists, numbers and strings.

    Numbers that JSON cannot hold (nan, infinities) become None.

    Args:
        c: what `compare` returned.

    Example:
        >>> comparison(Comparison("d", (1,), 1, (), (), (), Tensor(), (), (1.0,), 1.0, 2, 2, {}))[
        ...     "spectrum"
        ... ]
        [1.0]
    """
    return {"schema": SCHEMA, **plain(c)}


def write(c: Comparison, path: str | Path) -> None:
    """Write `comparison(c)` to a file, whole or not at all."""
    text = json.dumps(comparison(c), indent=2, ensure_ascii=False, allow_nan=False)
    write_atomically(Path(path), f"{text}\n".encode())


def plain(value: Any) -> Any:
    """Return a value as JSON can hold it: no tensors, and null for nan and the infinities.

    Example:
        >>> plain({"elbo": float("nan"), "parts": (1.0, 2)})
        {'elbo': None, 'parts': [1.0, 2]}
    """
    if dataclasses.is_dataclass(value):
        fields = ((f.name, getattr(value, f.name)) for f in dataclasses.fields(value))
        return {name: plain(v) for name, v in fields if not isinstance(v, Tensor)}
    if isinstance(value, Mapping):
        return {str(key): plain(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | int):
        return value
    return plain(value.item()) if hasattr(value, "item") else str(value)
