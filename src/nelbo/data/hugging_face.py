"""Hugging Face's data sets, of which nothing is imported: they are known by what they offer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nelbo.data.image_file import pixels
from nelbo.data.parquet_columns import NAMES
from nelbo.errors import BadValue


def is_hugging_face(value: Any) -> bool:
    """Return whether a value is a `datasets.Dataset` or a `datasets.IterableDataset`."""
    return hasattr(value, "column_names") and hasattr(value, "features")


class ColumnItems:
    """One column of a map-style data set, as tensors by number.

    The column is the one named image, x, data or features, or the only one that holds images,
    lists or arrays, or else numbers.

    Args:
        dataset: Hugging Face's.

    Raises:
        ValueError: no such column, or several.
    """

    def __init__(self, dataset: Any) -> None:
        self.dataset = dataset
        self.column = _Column(dataset, dataset[0]) if len(dataset) else None
        # a transform of the user's may draw random numbers, and so has to stay in his thread
        self.is_plain = getattr(dataset, "format", {}).get("type") != "custom"

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, i: int) -> Tensor:
        return self.__getitems__([i])[0]

    def __getitems__(self, numbers: list[int]) -> list[Tensor]:
        """Return several items, read at once."""
        assert self.column is not None
        found = self.dataset[numbers][self.column.name]
        return [self.column.tensor(x, i) for i, x in zip(numbers, found, strict=True)]


class ColumnStream:
    """One column of a streamed data set, as tensors; see `ColumnItems`."""

    def __init__(self, dataset: Any) -> None:
        self.dataset = dataset
        first = next(iter(dataset), None)
        self.column = None if first is None else _Column(dataset, first)

    def __iter__(self) -> Iterator[Tensor]:
        for i, item in enumerate(self.dataset):
            assert self.column is not None
            yield self.column.tensor(item[self.column.name], i)


class _Column:
    """The column that holds the examples: its name, and how a value becomes a tensor."""

    def __init__(self, dataset: Any, first: Mapping[str, Any]) -> None:
        self.name = _chosen(first)
        # lists of bytes come as Python's integers: their type is told apart
        feature: Any = (dataset.features or {}).get(self.name)
        while hasattr(feature, "feature"):
            feature = feature.feature
        self.dtype = getattr(feature, "dtype", None)

    def tensor(self, value: Any, i: int) -> Tensor:
        what = f"item {i}, column '{self.name}'"
        if _is_image(value):
            return torch.from_numpy(np.ascontiguousarray(pixels(value, what)))
        try:
            array = np.asarray(value.cpu() if isinstance(value, Tensor) else value)
        except ValueError:
            array = np.asarray(None)
        if array.dtype.kind not in "biuf":
            raise BadValue(
                what,
                expected="an image, numbers, or lists of one length",
                got=f"{value!r}"[:40],
                fix="Fill or remove it with dataset.map or dataset.filter.",
            )
        if array.dtype == np.int64 and self.dtype == "uint8":
            array = array.astype(np.uint8)
        return torch.from_numpy(np.atleast_1d(array))


def _chosen(item: Mapping[str, Any]) -> str:
    able = {name: _rank(value) for name, value in item.items()}
    named = [name for name in NAMES if able.get(name)]
    if named:
        return named[0]
    best = [name for name, rank in able.items() if rank and rank == max(able.values())]
    if len(best) == 1:
        return best[0]
    columns = ", ".join(f"{name} ({type(value).__name__})" for name, value in item.items())
    raise BadValue(
        "dataset",
        expected=f"one column of images, lists or numbers, or one named {', '.join(NAMES)}",
        got=columns[:200] or "no columns",
        fix="Choose one: dataset.select_columns(['...']).",
    )


def _rank(value: Any) -> int:
    """Return 2 for what looks like an example, 1 for a single number, 0 for anything else."""
    if _is_image(value) or isinstance(value, Tensor | np.ndarray):
        return 2 if _is_image(value) or value.ndim else 1
    inner = value
    while isinstance(inner, Sequence) and not isinstance(inner, str | bytes) and len(inner):
        inner = inner[0]
    if not isinstance(inner, int | float | np.number):
        return 0
    return 1 if inner is value else 2


def _is_image(value: Any) -> bool:
    from PIL import Image

    return isinstance(value, Image.Image)
