"""`Indexed`: sources whose examples have numbers."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import Any, TypeVar

import torch
from jaxtyping import Float32, Int64
from torch import Tensor

from nelbo.data.header import Header
from nelbo.data.part import WHOLE, Part
from nelbo.data.source import IndexBatches, Source, check_epoch
from nelbo.data.transforms import Transform
from nelbo.errors import BadValue

Kind = TypeVar("Kind", bound="Indexed")


class Indexed(Source):
    """Examples that can be drawn by number, in memory or in a file.

    Attributes:
        transform: from stored examples to what a model sees.
        labels: class of each example, [n]; None where there are none.
        header: of a table; an empty one of all else.
    """

    transform: Transform
    labels: Int64[Tensor, " n"] | None
    header: Header = Header()

    @abstractmethod
    def at(self, index: Int64[Tensor, " b"]) -> Float32[Tensor, " b *shape"]:
        """Return the transformed examples of indices 0..n-1, which are not checked."""

    @abstractmethod
    def flattened(self: Kind) -> Kind:
        """Return the same examples as vectors, without a copy."""

    @abstractmethod
    def identity(self) -> str:
        """Return what tells the stored data from other data, hexadecimal."""

    @abstractmethod
    def _taken(self: Kind, index: Int64[Tensor, " b"]) -> Kind:
        """Return a source of some of the stored examples, with all of the labels still."""

    def epoch(
        self,
        batch: int,
        order: torch.Generator | None = None,
        skip: int = 0,
        part: Part = WHOLE,
    ) -> Iterator[Float32[Tensor, " batch *shape"]]:
        """Return an iterator over every example once; see `Source.epoch`."""
        return map(self.at, self.index_batches(batch, order, skip, part))

    def index_batches(
        self,
        batch: int,
        order: torch.Generator | None = None,
        skip: int = 0,
        part: Part = WHOLE,
    ) -> IndexBatches:
        """Return which examples the batches of an epoch hold; see `Source.epoch`.

        Example:
            >>> from nelbo.data import Examples
            >>> [b.tolist() for b in Examples(torch.zeros(3, 1)).index_batches(2)]
            [[0, 1], [2]]
        """
        check_epoch(batch, skip)
        chosen = torch.arange(len(self)) if order is None else self._shuffled(order)
        return IndexBatches(chosen[skip * batch :], batch, part)

    def _shuffled(self, order: torch.Generator) -> Int64[Tensor, " n"]:
        return torch.randperm(len(self), generator=order)

    def __getitem__(self, key: Any) -> Float32[Tensor, " *batch_and_shape"]:
        """Return the transformed examples of a slice or of indices; of an integer, one."""
        if isinstance(key, int):
            return self[[range(len(self))[key]]][0]
        return self.at(self._indices(key))

    def take(self: Kind, indices: Any) -> Kind:
        """Return some of the examples, with their labels and the same transform.

        A static binarisation is not drawn anew.

        Example:
            >>> from nelbo.data import Examples
            >>> Examples(torch.arange(6.0).reshape(3, 2)).take([2, 0])[:].tolist()
            [[4.0, 5.0], [0.0, 1.0]]
        """
        chosen = self._indices(indices)
        if len(chosen) == 0:
            raise BadValue(
                "indices", expected="at least one", got="none", fix="Take more examples."
            )
        some = self._taken(chosen)
        some.labels = None if self.labels is None else self.labels[chosen]
        return some

    def spread(self: Kind, n: int) -> Kind:
        """Return `n` of the examples, evenly spaced, or all where there are no more.

        The first ones need not be like the rest: those of MNIST's test set are the easier half.

        Example:
            >>> from nelbo.data import Examples
            >>> Examples(torch.arange(6.0).reshape(6, 1)).spread(3)[:].flatten().tolist()
            [0.0, 2.0, 4.0]
        """
        count = min(n, len(self))
        return self.take(torch.arange(count) * len(self) // count)

    def first_of_each_class(self, n: int = 10) -> list[int]:
        """Return the index of the first example of each of the `n` lowest labels.

        Without labels these are the first `n` examples.

        Example:
            >>> from nelbo.data import Examples
            >>> Examples(torch.zeros(4, 1), labels=[2, 0, 2, 1]).first_of_each_class()
            [1, 3, 0]
        """
        if self.labels is None:
            return list(range(min(n, len(self))))
        classes = self.labels.unique(sorted=True)[:n]
        return [int((self.labels == label).nonzero()[0]) for label in classes]

    def _indices(self, key: Any) -> Int64[Tensor, " b"]:
        if isinstance(key, slice):
            return torch.arange(len(self))[key]
        index = torch.as_tensor(key).cpu()
        if index.dtype == torch.bool:
            index = index.nonzero()[:, 0]
        if index.ndim != 1 or bool(((index < -len(self)) | (index >= len(self))).any()):
            raise BadValue(
                "indices",
                expected=f"a list of integers below {len(self)}",
                got=f"{key!r}"[:60],
                fix="For evenly spaced examples use spread(n), for the first n use range(n).",
            )
        return index.to(torch.int64) % len(self)
