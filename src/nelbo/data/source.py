"""`Source`: what training and evaluation consume."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator

import torch
from jaxtyping import Float32, Int64
from torch import Tensor

from nelbo.errors import BadType, BadValue


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
        self, batch: int, order: torch.Generator | None = None, skip: int = 0
    ) -> Iterator[Float32[Tensor, " batch *shape"]]:
        """Return an iterator over every example once, the last batch possibly short.

        All that `skip` costs is done before this returns: the caller may set random states
        between this call and the first batch.

        Args:
            batch: the number of examples in a batch, at least 1.
            order: shuffles the examples by one permutation; None keeps the order as stored.
            skip: the number of batches to leave out at the start.

        Raises:
            ValueError: `batch` below 1, or `skip` below 0.
        """

    def mean(self) -> Float32[Tensor, " *shape"]:
        """Return the mean example, in one pass, in the units that training sees."""
        total, n = torch.zeros(self.shape, dtype=torch.float64), 0
        for x in self.epoch(1000):
            total += x.double().sum(0).cpu()
            n += len(x)
        return (total / n).float()

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


def index_batches(
    n: int, batch: int, order: torch.Generator | None, skip: int
) -> tuple[Int64[Tensor, " b"], ...]:
    """Return the indices 0..n-1 in batches, shuffled by `order`, without the first `skip`.

    Example:
        >>> [b.tolist() for b in index_batches(5, batch=2, order=None, skip=1)]
        [[2, 3], [4]]
    """
    check_epoch(batch, skip)
    chosen = torch.arange(n) if order is None else torch.randperm(n, generator=order)
    rest = chosen[skip * batch :]
    return rest.split(batch) if len(rest) else ()


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
