"""`MapDataset`: any torch Dataset with a length."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from jaxtyping import Float32, Int64, Shaped
from torch import Tensor

from nelbo.data.items import check_stream, shown, stored, x_of
from nelbo.data.part import WHOLE, Part
from nelbo.data.prefetch import Prefetched
from nelbo.data.source import Source, index_batches
from nelbo.data.transforms import Transform, as_transform
from nelbo.errors import BadType, BadValue
from nelbo.rng import seeded


class MapDataset(Source):
    """A Dataset with `__len__` and `__getitem__`, read item by item.

    Args:
        dataset: gives a tensor or array [*shape], or a tuple whose first element is that.
        transform: object or its text; default `Scale()`.
        prefetch: batches read ahead in a thread, for items that draw nothing from torch's global
            generator; 0 for none.

    Raises:
        TypeError: no length, or items that hold no tensor.
        ValueError: no items, a transform that needs the whole array beforehand, or `prefetch`
            below 0.

    Example:
        >>> from torch.utils.data import TensorDataset
        >>> source = MapDataset(TensorDataset(torch.zeros(3, 2), torch.arange(3)))
        >>> [tuple(batch.shape) for batch in source.epoch(batch=2)]
        [(2, 2), (1, 2)]
    """

    def __init__(
        self, dataset: Any, transform: Transform | str | None = None, prefetch: int = 0
    ) -> None:
        self.dataset, self.transform = dataset, as_transform(transform)
        self.prefetch = prefetch
        check_stream(self.transform)
        if not (hasattr(dataset, "__len__") and hasattr(dataset, "__getitem__")):
            raise BadType(
                "dataset",
                expected="__len__ and __getitem__",
                got=type(dataset).__name__,
                fix="Wrap it in a DataLoader.",
            )
        self.size = len(dataset)
        if self.size == 0:
            raise BadValue(
                "dataset", expected="at least one item", got="none", fix="Check how it was made."
            )
        if prefetch < 0:
            expected, fix = "an integer of at least 0", "0 reads nothing ahead."
            raise BadValue("prefetch", expected=expected, got=prefetch, fix=fix)
        with seeded(0):
            self._look()

    def _look(self) -> None:
        """Take the shape from the first item, and say what is wrong with it."""
        first = self._items(torch.zeros(1, dtype=torch.int64))[0]
        self.shape = tuple(first.shape)
        if not self.shape:
            raise BadValue(
                "item 0",
                expected="a tensor of at least one axis",
                got="a scalar",
                fix="Return x.reshape(1).",
            )
        shown(stored(first[None], self.shape, "item 0"), self.transform)

    def epoch(
        self,
        batch: int,
        order: torch.Generator | None = None,
        skip: int = 0,
        part: Part = WHOLE,
    ) -> Iterator[Float32[Tensor, " batch *shape"]]:
        """Return an iterator over every item once; see `Source.epoch`."""
        numbers = index_batches(len(self), batch, order, skip, part)
        # `map` would take a StopIteration of the dataset's for the end of the epoch
        batches = (self._batch(index) for index in numbers)
        ahead = Prefetched(batches, self.prefetch) if self.prefetch else batches
        return (shown(rows, self.transform) for rows in ahead)

    def _batch(self, index: Int64[Tensor, " b"]) -> Shaped[Tensor, " b *shape"]:
        if len(index) == 0:
            return torch.empty(0, *self.shape)
        items = self._items(index)
        for i, item in zip(index.tolist(), items, strict=True):
            if item.shape != items[0].shape:
                raise BadValue(
                    f"item {i}",
                    expected=f"shape {list(items[0].shape)}",
                    got=f"shape {list(item.shape)}",
                    fix="Resize or crop every item to one shape.",
                )
        return stored(torch.stack(items), self.shape, "batch of the dataset")

    def _items(self, index: Int64[Tensor, " b"]) -> list[Tensor]:
        numbers = index.tolist()
        # the protocol by which torch's DataLoader, too, asks for a batch at once
        many = getattr(self.dataset, "__getitems__", None)
        items = many(numbers) if many else [self.dataset[i] for i in numbers]
        return [x_of(item, f"item {i}") for i, item in zip(numbers, items, strict=True)]
