"""Signs that a terminal without Unicode cannot show, in letters that it can."""

from __future__ import annotations

import dataclasses
from typing import TypeVar

from nelbo.report.format import ascii_numbers

T = TypeVar("T")
_LETTERS = str.maketrans(
    {
        "✕": "x", "✓": "+", "±": "+-", "σ": "sigma", "β": "beta", "×": "x", "·": "|",
        "–": "-", "…": "...", "∞": "inf",
        "█": "#", "▇": "#", "▆": "+", "▅": "+", "▄": "=", "▃": "-", "▂": "-", "▁": ".",
    }
)  # fmt: skip


def in_ascii(value: T) -> T:
    """Return a value with every text in it, however deep, in ASCII where a word is known.

    Example:
        >>> in_ascii(("σ² = 1.31×10⁻⁵", 3))
        ('sigma^2 = 1.31e-5', 3)
    """
    if isinstance(value, str):
        squares = value.replace("σ²", "sigma^2").replace(")²", ")^2")
        return ascii_numbers(squares).translate(_LETTERS)  # type: ignore[return-value]
    if isinstance(value, tuple):
        return tuple(map(in_ascii, value))  # type: ignore[return-value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = (field.name for field in dataclasses.fields(value))
        return dataclasses.replace(value, **{n: in_ascii(getattr(value, n)) for n in names})
    return value
