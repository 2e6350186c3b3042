"""`Rows`: what a file holds, read by number."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterable

import numpy as np
import torch
from jaxtyping import Int64, Shaped
from torch import Tensor

STREAMED = 2**30  # bytes, decoded: above this data is read from its files as it is wanted


class Rows(ABC):
    """Examples in files, as uint8, bool or float32; nothing of them is kept in memory.

    Attributes:
        shape: of all of it, [n, ...], as an array has it.
        dtype: of what `read` gives.
    """

    shape: tuple[int, ...]
    dtype: torch.dtype
    device = torch.device("cpu")

    @abstractmethod
    def read(self, numbers: Int64[Tensor, " b"]) -> Shaped[Tensor, " b *shape"]:
        """Return the examples of these numbers 0..n-1, at least one, in this order.

        Raises:
            RuntimeError: a file that is gone, or shorter than it was.
            ValueError: values that are not finite.
        """

    @abstractmethod
    def identity(self) -> str:
        """Return a digest that tells the data from other data, hexadecimal.

        It is of samples, all over the files: to read them whole would take minutes.
        """

    def shuffled(self, numbers: Int64[Tensor, " n"], order: torch.Generator) -> Int64[Tensor, " n"]:
        """Return a permutation of 0..n-1: the order in which these examples are to be read."""
        return torch.randperm(len(numbers), generator=order)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, numbers: Int64[Tensor, " m"] | Int64[np.ndarray, " m"]) -> SomeRows:
        """Return some of the rows, of which nothing is read yet."""
        return SomeRows(self, torch.as_tensor(numbers))


class SomeRows(Rows):
    """Some of the examples of files, by number.

    Args:
        rows: all of them.
        numbers: which, [m].
    """

    def __init__(self, rows: Rows, numbers: Int64[Tensor, " m"]) -> None:
        self.rows, self.numbers = rows, numbers
        self.shape, self.dtype = (len(numbers), *rows.shape[1:]), rows.dtype

    def read(self, numbers: Int64[Tensor, " b"]) -> Shaped[Tensor, " b *shape"]:
        """Return the examples of these numbers; see `Rows.read`."""
        return self.rows.read(self.numbers[numbers])

    def identity(self) -> str:
        """Return a digest of the rows' own and of their numbers."""
        return digest([self.rows.identity().encode(), self.numbers.numpy().data])

    def shuffled(self, numbers: Int64[Tensor, " n"], order: torch.Generator) -> Int64[Tensor, " n"]:
        """Return a permutation of 0..n-1; see `Rows.shuffled`."""
        return self.rows.shuffled(self.numbers[numbers], order)


def digest(pieces: Iterable[bytes | memoryview]) -> str:
    """Return the SHA-256 of some pieces, one after the other.

    Example:
        >>> digest([b"a", b"b"])[:8]
        'fb8e20fc'
    """
    sha256 = hashlib.sha256()
    for piece in pieces:
        sha256.update(piece)
    return sha256.hexdigest()
