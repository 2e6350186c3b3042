"""`OnDisk`: examples that stay in their files until they are drawn."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import torch
from jaxtyping import Float32, Int64, Shaped
from torch import Tensor

from nelbo.data.arrays import as_labels
from nelbo.data.indexed import Indexed
from nelbo.data.items import check_stream, shown
from nelbo.data.part import WHOLE, Part
from nelbo.data.prefetch import Prefetched
from nelbo.data.rows import Rows
from nelbo.data.transforms import Transform, as_transform
from nelbo.rng import seeded


class OnDisk(Indexed):
    """Examples in files, read batch by batch, a few batches ahead in a thread.

    The memory that it takes does not depend on how large the files are, but for 8 bytes an
    example for the order of an epoch. Values are checked as they are drawn.

    Args:
        rows: reads the files, such as `NpyRows("big.npy")`.
        transform: object or its text; default `Scale()`. It runs in the thread that asks for
            batches, so that its draws come from that thread's generators, in order.
        labels: class of each example, integers [n].

    Raises:
        ValueError: a transform that needs the whole array beforehand, labels of another length.

    Example:
        >>> import tempfile, numpy as np
        >>> from nelbo.data import NpyRows
        >>> path = f"{tempfile.mkdtemp()}/x.npy"
        >>> np.save(path, np.array([[0, 255], [51, 102]], dtype=np.uint8))
        >>> [batch.tolist() for batch in OnDisk(NpyRows(path)).epoch(batch=1)]
        [[[0.0, 1.0]], [[0.2..., 0.4...]]]
    """

    def __init__(
        self, rows: Rows, transform: Transform | str | None = None, labels: Any = None
    ) -> None:
        self.rows, self.transform = rows, as_transform(transform)
        check_stream(self.transform)
        self.size, self.shape = len(rows), rows.shape[1:]
        self.labels = None if labels is None else as_labels(labels, len(self))
        with seeded(0):  # what is wrong with all of it is said now
            self.at(torch.zeros(1, dtype=torch.int64))

    def epoch(
        self,
        batch: int,
        order: torch.Generator | None = None,
        skip: int = 0,
        part: Part = WHOLE,
    ) -> Iterator[Float32[Tensor, " batch *shape"]]:
        """Return an iterator over every example once; see `Source.epoch`."""
        stored = Prefetched(map(self._read, self.index_batches(batch, order, skip, part)))
        return (shown(rows, self.transform) for rows in stored)

    def at(self, index: Int64[Tensor, " b"]) -> Float32[Tensor, " b *shape"]:
        """Return the transformed examples of indices 0..n-1."""
        return shown(self._read(index), self.transform)

    def flattened(self) -> OnDisk:
        """Return the same examples as vectors."""
        flat = copy.copy(self)
        flat.shape = (torch.Size(self.shape).numel(),)
        return flat

    def identity(self) -> str:
        """Return a digest of samples of the files, hexadecimal."""
        return self.rows.identity()

    def _taken(self, index: Int64[Tensor, " b"]) -> OnDisk:
        some = copy.copy(self)
        some.rows, some.size = self.rows[index], len(index)
        return some

    def _shuffled(self, order: torch.Generator) -> Int64[Tensor, " n"]:
        return self.rows.shuffled(torch.arange(len(self)), order)

    def _read(self, index: Int64[Tensor, " b"]) -> Shaped[Tensor, " b *shape"]:
        if len(index) == 0:
            return torch.empty(0, *self.shape)
        return self.rows.read(index).reshape(-1, *self.shape)
