"""`Source`: what training and evaluation consume."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import overload

import torch
from jaxtyping import Float32, Float64, Int64
from torch import Tensor

from nelbo.data.arrays import rows_at_once
from nelbo.data.part import WHOLE, Part
from nelbo.errors import BadType, BadValue
from nelbo.rng import generator


class Source(ABC):
    """Examples that can be gone through in batches, again and again.

    Attributes:
        shape: of one example, without the batch axis.
        size: the number of examples; None where it is unknown.
    """

    shape: tuple[int, ...]
    size: int | None

    @abstractmethod
    def epoch(
        self,
        batch: int,
        order: torch.Generator | None = None,
        skip: int = 0,
        part: Part = WHOLE,
    ) -> Iterator[Float32[Tensor, " batch *shape"]]:
        """Return an iterator over every example once, the last batch possibly short.

        All that `skip` costs is done before this returns: the caller may set random states
        between this call and the first batch.

        Args:
            batch: the number of examples in a batch, at least 1, of all processes together.
            order: shuffles the examples; None keeps the order as stored.
            skip: the number of batches to leave out at the start.
            part: which rows of every batch are this process's, possibly none of them.

        Raises:
            ValueError: `batch` below 1, or `skip` below 0.
        """

    def mean(self) -> Float32[Tensor, " *shape"]:
        """Return the mean example, in one pass, in the units that training sees.

        Each feature's mean is that of its observed entries: NaN is left out.

        Raises:
            ValueError: a feature without any observed entry.
        """
        total = torch.zeros(self.shape, dtype=torch.float64)
        n = torch.zeros(self.shape, dtype=torch.float64)
        for x in self.epoch(rows_at_once(self.shape)):
            part = x.sum(0, dtype=torch.float64).cpu()
            whole = not bool(part.isnan().any())  # looking for NaN in the sum costs nothing
            total += part if whole else x.nansum(0, dtype=torch.float64).cpu()
            n += len(x) if whole else (~x.isnan()).sum(0).cpu()
        check_some(n)
        return (total / n).float()

    def some(self, seed: int = 0) -> Float32[Tensor, " n *shape"]:
        """Return up to 1,000 examples in random order, fewer where they are large."""
        return next(iter(self.epoch(rows_at_once(self.shape), generator(seed))))

    def __len__(self) -> int:
        """Return the number of examples; TypeError where `size` is None."""
        if self.size is None:
            raise BadType(
                "number of examples",
                expected="a source of known size",
                got=f"{type(self).__name__} of unknown size",
                fix="Use .size, which is then None.",
            )
        return self.size


@dataclass(frozen=True)
class IndexBatches(Sequence[Tensor]):
    """Indices in batches, one batch's at a time: millions of batches take no memory.

    Args:
        indices: of all examples of an epoch, [n].
        batch: how many of them make a batch.
        part: which of a batch's are this process's.
    """

    indices: Int64[Tensor, " n"]
    batch: int
    part: Part

    def __len__(self) -> int:
        return -(-len(self.indices) // self.batch)

    @overload
    def __getitem__(self, i: int) -> Tensor: ...
    @overload
    def __getitem__(self, i: slice) -> Sequence[Tensor]: ...
    def __getitem__(self, i: int | slice) -> Tensor | Sequence[Tensor]:
        """Return the indices of one batch, or of several."""
        if isinstance(i, slice):
            return [self[j] for j in range(*i.indices(len(self)))]
        start = range(len(self))[i] * self.batch
        return self.part.take(self.indices[start : start + self.batch])


def index_batches(
    n: int, batch: int, order: torch.Generator | None, skip: int, part: Part = WHOLE
) -> IndexBatches:
    """Return the indices 0..n-1 in batches, shuffled by `order`, without the first `skip`.

    Example:
        >>> [b.tolist() for b in index_batches(5, batch=2, order=None, skip=1)]
        [[2, 3], [4]]
    """
    check_epoch(batch, skip)
    chosen = torch.arange(n) if order is None else torch.randperm(n, generator=order)
    return IndexBatches(chosen[skip * batch :], batch, part)


def check_some(observed: Float64[Tensor, " *shape"]) -> None:
    """Raise ValueError for a feature that is missing in every example."""
    never = (observed == 0).nonzero().tolist()
    if never:
        place = never[0][0] if len(never[0]) == 1 else tuple(never[0])
        raise BadValue(
            f"data, feature {place}",
            expected="at least one entry that is not missing",
            got="NaN in every example",
            fix="Remove that feature.",
        )


def check_epoch(batch: int, skip: int) -> None:
    """Raise ValueError unless `batch` is at least 1 and `skip` at least 0."""
    for name, value, least in (("batch", batch, 1), ("skip", skip, 0)):
        if value < least:
            raise BadValue(
                name,
                expected=f"an integer of at least {least}",
                got=value,
                fix=f"Try {max(least, 100 * least)}.",
            )
