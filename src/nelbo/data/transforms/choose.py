"""A transform from an object, a text, or nothing."""

from __future__ import annotations

from typing import Any

from nelbo.data.transforms.scale import Scale
from nelbo.data.transforms.transform import Transform
from nelbo.errors import BadType
from nelbo.registry import build


def as_transform(value: Any) -> Transform:
    """Return the transform; a text is built by the registry, None is `Scale()`.

    Example:
        >>> as_transform("static_binarise:seed=3")
        StaticBinarise(seed=3)
    """
    if value is None:
        return Scale()
    chosen = build("transform", value) if isinstance(value, str) else value
    if not isinstance(chosen, Transform):
        raise BadType(
            "transform",
            expected="a Transform or its text",
            got=type(value).__name__,
            fix="For example nelbo.data.Scale().",
        )
    return chosen
