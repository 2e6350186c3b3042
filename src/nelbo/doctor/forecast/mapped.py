"""Memory-mapped arrays, read in pieces that are let go of again."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from typing import Any

import numpy as np

PIECE = 2**22  # values


class Mapped:
    """An iterable of the examples of a memory-mapped array, in batches.

    What was read of a mapped file counts as the process's memory until something else needs it;
    here every piece is handed back once it is copied.
    """

    def __init__(self, array: np.memmap) -> None:
        self.array = array

    def __iter__(self) -> Iterator[np.ndarray]:
        rows = max(1, PIECE // max(1, int(np.prod(self.array.shape[1:]))))
        for start in range(0, len(self.array), rows):
            yield np.array(self.array[start : start + rows])
            self._release()

    def _release(self) -> None:
        file = getattr(self.array, "_mmap", None)
        if isinstance(file, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED") and _unwritten(self):
            file.madvise(mmap.MADV_DONTNEED)


def mapped(data: Any) -> Any:
    """Return batches of data that is a memory-mapped array, everything else as it is.

    Example:
        >>> mapped([1, 2])
        [1, 2]
    """
    return Mapped(data) if isinstance(data, np.memmap) and data.ndim > 1 else data


def _unwritten(mapped: Mapped) -> bool:
    """Return whether nothing that was written in memory alone would be lost."""
    return mapped.array.mode != "c"
