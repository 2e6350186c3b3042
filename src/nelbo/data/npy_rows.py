"""`NpyRows`: the array of a .npy file, read where it lies."""

from __future__ import annotations

import math
import mmap
from collections.abc import Iterator
from itertools import pairwise
from os import PathLike
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Int64, Shaped
from torch import Tensor

from nelbo.data.arrays import check_infinite, in_memory
from nelbo.data.numpy_files import npy_header
from nelbo.data.rows import Rows, digest
from nelbo.data.steady_file import SteadyFile
from nelbo.errors import BadValue


class NpyRows(Rows):
    """The examples of a .npy file, read from the file itself, not through a mapping.

    Pages of a mapped file count as the process's memory once they were looked at; what is read
    counts only while it is used. The rows of a batch are read in the order in which they lie.

    Args:
        path: a .npy file of bytes, bools or floats, [n, ...] in C order.

    Raises:
        TypeError: no numbers.
        ValueError: truncated, tampered or pickled, fewer than two axes, no examples, integers
            that are no bytes, or in Fortran's order.

    Example:
        >>> import tempfile
        >>> path = f"{tempfile.mkdtemp()}/x.npy"
        >>> np.save(path, np.arange(6, dtype=np.uint8).reshape(3, 2))
        >>> NpyRows(path).read(torch.tensor([2, 0])).tolist()
        [[4, 5], [0, 1]]
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        self._file = SteadyFile.now(Path(path))
        shape, fortran, dtype, start = npy_header(Path(path))
        if fortran and len(shape) > 1:
            raise BadValue(
                str(path),
                expected="rows one after the other (C order)",
                got="columns (Fortran order)",
                fix="Save it with numpy.save(path, numpy.ascontiguousarray(array)).",
            )
        self._describe(shape, dtype, start)

    @classmethod
    def of_memmap(cls, array: np.memmap) -> NpyRows | None:
        """Return the rows of a memory-mapped array; None where its file does not hold them so.

        That is where it was opened to be written to in memory alone, where its rows do not lie
        one after the other, or where the file has no name any more.
        """
        mapping, path = getattr(array, "_mmap", None), getattr(array, "filename", None)
        apart = getattr(array, "mode", "c") == "c" or not array.flags.c_contiguous
        if mapping is None or path is None or apart or not Path(path).is_file():
            return None
        # a slice keeps the offset of the whole
        into = array.ctypes.data - np.frombuffer(mapping, np.uint8).ctypes.data
        rows = cls.__new__(cls)
        rows._file = SteadyFile.now(Path(path), may_change=True)  # its owner may write to it
        start = array.offset - array.offset % mmap.ALLOCATIONGRANULARITY + into
        rows._describe(array.shape, array.dtype, start)
        return rows

    def _describe(self, shape: tuple[int, ...], dtype: np.dtype, start: int) -> None:
        # what is wrong with type and shape is said as it is of an array in memory
        like = np.zeros((min(1, shape[0]), *shape[1:]) if shape else (), dtype)
        self.dtype = in_memory(like, str(self._file.path)).dtype
        self.shape, self._stored, self._start = shape, dtype, start
        self._row = dtype.itemsize * math.prod(shape[1:])
        if self._file.size < start + self._row * shape[0]:
            raise BadValue(
                str(self._file.path),
                expected=f"a complete NumPy file of {start + self._row * shape[0]:,} bytes",
                got=f"{self._file.size:,}",
                fix="Copy it again, or save it anew with numpy.save.",
            )

    def read(self, numbers: Int64[Tensor, " b"]) -> Shaped[Tensor, " b *shape"]:
        """Return the examples of these numbers, in this order; see `Rows.read`."""
        lying, place = numbers.sort()
        array = np.empty((len(numbers), *self.shape[1:]), self._stored)
        bytes_ = array.reshape(-1).view(np.uint8).data
        with self._file.opened() as file:
            for at, number, count in _runs(lying.numpy()):
                rows = bytes_[at * self._row : (at + count) * self._row]
                self._file.fill(file, rows, self._start + number * self._row)
        found = self._kept(array)
        check_infinite(found, str(self._file.path), lying)
        return found.index_select(0, place.argsort())

    def identity(self) -> str:
        """Return the SHA-256 of shape, type and 64 blocks, evenly spaced over the file."""
        head = f"{self.shape} {self._stored.str}".encode()
        return digest([head, *self._file.sampled(self._start, self._row * self.shape[0])])

    def _kept(self, array: np.ndarray) -> Tensor:
        if self.dtype == torch.float32:
            with np.errstate(over="ignore"):  # what overflows is infinite, and reported as such
                array = array.astype(np.float32, copy=False)
        return torch.from_numpy(array)


def _runs(numbers: np.ndarray) -> Iterator[tuple[int, int, int]]:
    """Yield (place, first number, how many) of each run of successive numbers."""
    ends = np.flatnonzero(np.diff(numbers) != 1) + 1
    edges = [0, *ends.tolist(), len(numbers)]
    for at, end in pairwise(edges):
        yield at, int(numbers[at]), end - at
