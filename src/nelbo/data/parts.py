"""`Parts`: what a reader found, before any conversion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nelbo.data.header import Header


@dataclass(frozen=True)
class Parts:
    """The arrays that a reader found.

    Args:
        train: training array [n, ...], or the only one.
        labels: class of each of its examples, [n].
        test: test array; None when there is but one array, which is then split.
        test_labels: class of each test example.
        origin: where the data comes from, as the beginning of a sentence.
        header: of a table.
    """

    train: Any
    labels: Any = None
    test: Any = None
    test_labels: Any = None
    origin: str = ""
    header: Header = Header()
