"""`Stream`: any iterable of single examples."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

import torch
from jaxtyping import Float32, Shaped
from torch import Tensor

from nelbo.data.batches import check_restarts
from nelbo.data.items import check_stream, shown, stored, x_of
from nelbo.data.part import WHOLE, Part
from nelbo.data.source import Source, check_epoch
from nelbo.data.transforms import Transform, as_transform
from nelbo.errors import BadValue
from nelbo.rng import seeded

_BYTES = 2**28  # that a buffer may take


class Stream(Source):
    """An iterable of single examples, put into batches, shuffled within a buffer.

    Each example that is drawn leaves its place in the buffer to the next one of the stream. What
    the iterable draws from torch's global generator comes from a generator of its own, seeded by
    the order, so that an epoch is the same whether or not batches are left out at its start.

    Args:
        examples: gives tensors or arrays [*shape], or tuples whose first element is that; it
            starts again each epoch.
        transform: object or its text; default `Scale()`.
        buffer: examples among which one is drawn; fewer where they are large, 256 MB in all.

    Raises:
        TypeError: an iterator that cannot start again, or examples that hold no tensor.
        ValueError: no examples, a transform that needs the whole array beforehand, or `buffer`
            below 1.

    Example:
        >>> source = Stream([torch.tensor([float(i)]) for i in range(5)])
        >>> [batch.flatten().tolist() for batch in source.epoch(batch=2)]
        [[0.0, 1.0], [2.0, 3.0], [4.0]]
    """

    def __init__(
        self, examples: Any, transform: Transform | str | None = None, buffer: int = 10_000
    ) -> None:
        self.examples, self.transform, self.buffer = examples, as_transform(transform), buffer
        check_stream(self.transform)
        check_restarts(examples)
        if buffer < 1:
            expected = "an integer of at least 1"
            raise BadValue("buffer", expected=expected, got=buffer, fix="Try 10000.")
        with seeded(0):
            first = next(iter(examples), None)
            x = self._look(first)
        self.size = _size(examples)
        self._room = max(1, min(buffer, _BYTES // (x.numel() * x.element_size())))

    def _look(self, first: Any) -> Tensor:
        """Return the first example, take the shape from it, and say what is wrong with it."""
        if first is None:
            raise BadValue(
                "examples",
                expected="at least one example",
                got="none",
                fix="Check how the iterable was made.",
            )
        x = x_of(first, "example 0")
        self.shape = tuple(x.shape) or (1,)
        shown(stored(x.reshape(1, *self.shape), self.shape, "example 0"), self.transform)
        return x

    def epoch(
        self,
        batch: int,
        order: torch.Generator | None = None,
        skip: int = 0,
        part: Part = WHOLE,
    ) -> Iterator[Float32[Tensor, " batch *shape"]]:
        """Return an iterator over every example once; every process goes through all of them."""
        check_epoch(batch, skip)
        if order is None:
            batches = _batched(enumerate(iter(self.examples)), batch)
        else:
            # drawn from `order` now: it may be another epoch's later
            own = torch.Generator().manual_seed(int(torch.randint(2**62, (), generator=order)))
            batches = _drawn_apart(_batched(self._shuffled(own), batch), own)
        for _ in islice(batches, skip):
            pass
        return (shown(self._stored(part, items), self.transform) for items in batches)

    def _shuffled(self, own: torch.Generator) -> Iterator[tuple[int, Any]]:
        choice = torch.Generator().manual_seed(int(torch.randint(2**62, (), generator=own)))
        numbered = enumerate(iter(self.examples))
        held = list(islice(numbered, self._room))
        for new in numbered:
            i = int(torch.randint(len(held), (), generator=choice))
            given, held[i] = held[i], new
            yield given
        for i in torch.randperm(len(held), generator=choice).tolist():
            yield held[i]

    def _stored(self, part: Part, items: list[tuple[int, Any]]) -> Shaped[Tensor, " b *shape"]:
        own = [items[i] for i in part.take(torch.arange(len(items))).tolist()]
        rows = [self._row(x_of(item, f"example {i}"), i) for i, item in own]
        if not rows:
            return torch.empty(0, *self.shape)
        return stored(torch.stack(rows), self.shape, f"examples {own[0][0]}...{own[-1][0]}")

    def _row(self, x: Tensor, i: int) -> Tensor:
        x = x if x.ndim else x.reshape(1)
        if tuple(x.shape) != self.shape:
            raise BadValue(
                f"example {i}",
                expected=f"shape {list(self.shape)}, as the first",
                got=f"shape {list(x.shape)}",
                fix="Resize or crop every example to one shape.",
            )
        return x


def _batched(items: Iterator[tuple[int, Any]], batch: int) -> Iterator[list[tuple[int, Any]]]:
    while found := list(islice(items, batch)):
        yield found


def _drawn_apart(items: Iterator[Any], own: torch.Generator) -> Iterator[Any]:
    """Yield the items; what they draw from torch's global generator comes from another one."""
    while True:
        with _as_global(own):
            item = next(items, None)
        if item is None:
            return
        yield item


@contextmanager
def _as_global(own: torch.Generator) -> Iterator[None]:
    outside = torch.get_rng_state()
    torch.set_rng_state(own.get_state())
    try:
        yield
    finally:
        own.set_state(torch.get_rng_state())
        torch.set_rng_state(outside)


def _size(examples: Any) -> int | None:
    try:
        return len(examples)
    except (TypeError, NotImplementedError):  # it has none, or says so only when it is asked
        return None
