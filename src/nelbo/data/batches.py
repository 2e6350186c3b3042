"""`Batches`: any iterable of batches that can be started again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Any

import torch
from jaxtyping import Float32, Shaped
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset

from nelbo.data.items import check_stream, shown, stored, x_of
from nelbo.data.part import WHOLE, Part
from nelbo.data.source import Source, check_epoch
from nelbo.data.transforms import Transform, as_transform
from nelbo.errors import BadType, BadValue
from nelbo.rng import seeded


class Batches(Source):
    """A DataLoader, a list of tensors, or any other iterable of batches.

    Batches come in the size and the order that the iterable gives them.

    Args:
        batches: gives tensors or arrays [b, *shape], or tuples whose first element is that.
        transform: object or its text; default `Scale()`.

    Raises:
        TypeError: an iterator that cannot start again, or batches that hold no tensor.
        ValueError: no batches, or a transform that needs the whole array beforehand.

    Example:
        >>> source = Batches([torch.zeros(3, 2), torch.ones(1, 2)])
        >>> len(source), source.shape
        (4, (2,))
    """

    def __init__(self, batches: Any, transform: Transform | str | None = None) -> None:
        self.batches, self.transform = batches, as_transform(transform)
        check_stream(self.transform)
        check_restarts(batches)
        with seeded(0):
            first = next(iter(batches), None)
            self.shape = _shape(first)
            for i, item in enumerate(batches if isinstance(batches, list | tuple) else [first]):
                shown(self._stored(i, item), self.transform)
        self.size = _size(batches)

    def epoch(
        self,
        batch: int,
        order: torch.Generator | None = None,
        skip: int = 0,
        part: Part = WHOLE,
    ) -> Iterator[Float32[Tensor, " batch *shape"]]:
        """Return an iterator over every batch once; `batch` is not used.

        `order` seeds what the iterable draws from torch's global generator until its first
        batch, which is where a DataLoader draws its permutation. Every process goes through all
        batches, and has its own rows of each.
        """
        check_epoch(batch, skip)
        # The first batch is drawn here even without skip, so that a later batch is the same
        # whether or not those before it were skipped.
        seed = None if order is None else int(torch.randint(2**62, (), generator=order))
        with seeded(seed):
            iterator = iter(self.batches)
            head = [] if order is None else list(islice(iterator, 1))
        rest = chain(head, iterator)
        for _ in islice(rest, skip):
            pass
        own = (part.take(self._stored(i, item)) for i, item in enumerate(rest, skip))
        return (shown(rows, self.transform) for rows in own)

    def _stored(self, i: int, item: Any) -> Shaped[Tensor, " b *shape"]:
        return stored(x_of(item, f"batch {i}"), self.shape, f"batch {i}")


def _shape(first: Any) -> tuple[int, ...]:
    if first is None:
        raise BadValue(
            "batches",
            expected="at least one batch",
            got="none",
            fix="Check how the iterable was made.",
        )
    x = x_of(first, "batch 0")
    if x.ndim < 2:
        raise BadValue(
            "batch 0",
            expected="shape [examples, ...] of at least two axes",
            got=f"shape {list(x.shape)}",
            fix="Give batches, or wrap single examples: nelbo.data.Stream(...).",
        )
    return tuple(x.shape[1:])


def check_restarts(batches: Any) -> None:
    """Raise TypeError unless the iterable can start again each epoch."""
    if not hasattr(batches, "__iter__"):
        raise BadType(
            "batches",
            expected="an iterable of batches",
            got=type(batches).__name__,
            fix="Pass a DataLoader or a list of tensors.",
        )
    if isinstance(batches, Iterator):
        raise BadType(
            "batches",
            expected="an iterable that can start again each epoch",
            got=f"a one-shot {type(batches).__name__}",
            fix="Pass list(batches), a DataLoader, or an object whose __iter__ "
            "makes a new iterator.",
        )


def _size(batches: Iterable[Any]) -> int | None:
    if isinstance(batches, list | tuple):
        return sum(len(x_of(item, f"batch {i}")) for i, item in enumerate(batches))
    if not isinstance(batches, DataLoader) or isinstance(batches.dataset, IterableDataset):
        return None
    if batches.batch_size is None or not hasattr(batches.sampler, "__len__"):
        return None
    n = len(batches.sampler)  # pyright: ignore[reportArgumentType]
    return n - n % batches.batch_size if batches.drop_last else n
