"""`MapDataset`: any torch Dataset with a length."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from jaxtyping import Float32, Int64
from torch import Tensor

from nelbo.data.items import check_stream, ready, x_of
from nelbo.data.source import Source, index_batches
from nelbo.data.transforms import Transform, as_transform
from nelbo.errors import BadType, BadValue


class MapDataset(Source):
    """A Dataset with `__len__` and `__getitem__`, read item by item.

    Args:
        dataset: gives a tensor or array [*shape], or a tuple whose first element is that.
        transform: object or its text; default `Scale()`.

    Raises:
        TypeError: no length, or items that hold no tensor.
        ValueError: no items, or a transform that needs the whole array beforehand.

    Example:
        >>> from torch.utils.data import TensorDataset
        >>> source = MapDataset(TensorDataset(torch.zeros(3, 2), torch.arange(3)))
        >>> [tuple(batch.shape) for batch in source.epoch(batch=2)]
        [(2, 2), (1, 2)]
    """

    def __init__(self, dataset: Any, transform: Transform | str | None = None) -> None:
        self.dataset, self.transform = dataset, as_transform(transform)
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
        first = self._stack(torch.zeros(1, dtype=torch.int64))
        self.shape = tuple(first.shape[1:])
        if not self.shape:
            raise BadValue(
                "item 0",
                expected="a tensor of at least one axis",
                got="a scalar",
                fix="Return x.reshape(1).",
            )
        ready(first, self.shape, self.transform, "item 0")

    def epoch(
        self, batch: int, order: torch.Generator | None = None, skip: int = 0
    ) -> Iterator[Float32[Tensor, " batch *shape"]]:
        """Return an iterator over every item once; see `Source.epoch`."""
        indices = index_batches(len(self), batch, order, skip)
        return (self._batch(index) for index in indices)

    def _batch(self, index: Int64[Tensor, " b"]) -> Float32[Tensor, " b *shape"]:
        return ready(self._stack(index), self.shape, self.transform, "batch of the dataset")

    def _stack(self, index: Int64[Tensor, " b"]) -> Tensor:
        items = [x_of(self.dataset[i], f"item {i}") for i in index.tolist()]
        for i, item in zip(index.tolist(), items, strict=True):
            if item.shape != items[0].shape:
                raise BadValue(
                    f"item {i}",
                    expected=f"shape {list(items[0].shape)}",
                    got=f"shape {list(item.shape)}",
                    fix="Resize or crop every item to one shape.",
                )
        return torch.stack(items)
