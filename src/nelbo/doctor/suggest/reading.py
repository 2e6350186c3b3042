"""Data as it is stored, whatever the user calls data."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Float32, Shaped
from torch import Tensor

from nelbo import registry
from nelbo.data import Data, Indexed, Scale, Source, Transform, as_source
from nelbo.data.arrays import rows_at_once
from nelbo.data.header import Header
from nelbo.doctor.forecast.mapped import mapped
from nelbo.rng import seeded

STORED = (torch.uint8, torch.bool)


@dataclass(frozen=True)
class Seen(Transform):
    """Hand examples on as they are stored, and remember their type.

    Attributes:
        dtypes: of the batches that went by.
    """

    dtypes: set[torch.dtype]

    def __call__(self, batch: Shaped[Tensor, " b *shape"]) -> Float32[Tensor, " b *shape"]:
        """Return the batch in float32."""
        self.dtypes.add(batch.dtype)
        return batch.to(torch.float32)


@dataclass(frozen=True)
class Reading:
    """Stored examples, to be gone through once.

    Attributes:
        shape: of one example.
        batches: flattened, float32, NaN where a value is missing.
        dtypes: in which they are stored; known after the first batch.
        transform: text of the one that the data has been given already, beside `scale`.
        words: how many words the codes of a feature stand for, by its number.
    """

    shape: tuple[int, ...]
    batches: Iterator[Float32[Tensor, " batch features"]]
    dtypes: set[torch.dtype]
    transform: str | None = None
    words: Mapping[int, int] = field(default_factory=dict)

    @property
    def dtype(self) -> torch.dtype:
        """In which the examples are stored."""
        return next(iter(self.dtypes & set(STORED)), torch.float32)


def read(data: Any) -> Reading:
    """Return the stored examples of whatever `nelbo.fit` takes."""
    seen = Seen(set())
    if isinstance(data, Source | Data):
        source = as_source(data)
        stated = getattr(source, "transform", None)
        if isinstance(stated, Scale):  # what there is without a choice
            source = copy.copy(source)
            source.transform = seen  # pyright: ignore[reportAttributeAccessIssue]
            stated = None
        return _of_source(source, seen, stated)
    return _of_source(as_source(mapped(data), seen), seen, None)


def _of_source(source: Source, seen: Seen, stated: Transform | None) -> Reading:
    text = None if stated is None else registry.text(registry.spec(stated))

    def batches() -> Iterator[Tensor]:
        with seeded(0):
            for x in source.epoch(rows_at_once(source.shape)):
                yield x.flatten(1).cpu()

    header = source.header if isinstance(source, Indexed) else Header()
    words = {column: len(found) for column, found in header.words.items()}
    return Reading(tuple(source.shape), batches(), seen.dtypes, text, words)
