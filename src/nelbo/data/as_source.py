"""`as_source`: whatever a user calls data, as a `Source`."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import Any

import numpy as np
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

from nelbo.data.batches import Batches
from nelbo.data.examples import Examples
from nelbo.data.hugging_face import ColumnItems, ColumnStream, is_hugging_face
from nelbo.data.loading import Data, load
from nelbo.data.map_dataset import MapDataset
from nelbo.data.npy_rows import NpyRows
from nelbo.data.on_disk import OnDisk
from nelbo.data.prefetch import DEPTH
from nelbo.data.source import Source
from nelbo.data.stream import Stream
from nelbo.data.transforms import Transform
from nelbo.errors import BadType, BadValue


def as_source(value: Any, transform: Transform | str | None = None) -> Source:
    """Return the source that a value stands for; of what has a test set, the training set.

    Args:
        value: a Source, a Data, an array or tensor [n, ...], a Dataset or IterableDataset, of
            torch or of Hugging Face, a DataLoader or other iterable of batches, or what `load`
            takes by name or path. An iterable of single examples is a `Stream`.
        transform: object or its text; None means `Scale()`, or the source's own.

    Raises:
        TypeError: none of these.
        ValueError: what the source itself refuses, or a transform for a source that has one.

    Example:
        >>> import torch
        >>> as_source(torch.zeros(5, 2)).size
        5
    """
    if isinstance(value, Source | Data):
        if transform is not None:
            raise BadValue(
                "transform",
                expected="none for data that is loaded already",
                got=transform,
                fix="Give it to load or to the source.",
            )
        return value.train if isinstance(value, Data) else value
    if isinstance(value, str | PathLike):
        return load(value, transform=transform).train
    if isinstance(value, Mapping):
        raise BadType(
            "data",
            expected="an array, a Dataset or batches",
            got=type(value).__name__,
            fix="Pass one of its values.",
        )
    if isinstance(value, np.memmap) and (rows := NpyRows.of_memmap(value)) is not None:
        return OnDisk(rows, transform)
    if hasattr(value, "__array__"):
        return Examples(value, transform)
    if isinstance(value, TensorDataset):
        return Examples(value.tensors[0], transform)
    if is_hugging_face(value):
        return _hugging_face(value, transform)
    if isinstance(value, IterableDataset):  # gives single examples: it is a loader that batches
        return Stream(value, transform)
    if isinstance(value, list | tuple | DataLoader) or not hasattr(value, "__getitem__"):
        return Batches(value, transform)
    return MapDataset(value, transform)


def _hugging_face(dataset: Any, transform: Transform | str | None) -> Source:
    if not (hasattr(dataset, "__len__") and hasattr(dataset, "__getitem__")):
        return Stream(ColumnStream(dataset), transform)
    items = ColumnItems(dataset)
    return MapDataset(items, transform, prefetch=DEPTH if items.is_plain else 0)
