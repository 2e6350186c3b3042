"""`Share`: the examples of a source that are one process's to measure or to learn from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from jaxtyping import Float32
from torch import Tensor

from nelbo.data import Part, Source
from nelbo.data.part import WHOLE
from nelbo.world import World


class Share(Source):
    """This process's rows of every batch of a source; all processes have as many batches.

    Args:
        source: all the examples.
        world: the processes that share them.

    Example:
        >>> from nelbo.data import Examples
        >>> from nelbo.world import ALONE
        >>> share = Share(Examples(torch.arange(3.0)[:, None]), ALONE)
        >>> [len(batch) for batch in share.epoch(2)]
        [2, 1]
    """

    def __init__(self, source: Source, world: World) -> None:
        self.source, self.world = source, world
        self.shape, self.size = source.shape, source.size

    def epoch(
        self,
        batch: int,
        order: torch.Generator | None = None,
        skip: int = 0,
        part: Part = WHOLE,
    ) -> Iterator[Float32[Tensor, " batch *shape"]]:
        """Return an iterator over this process's rows, of the batches of all; see `Source`."""
        return self.source.epoch(batch, order, skip, Part(self.world.rank, self.world.size))


def shared(source: Source, world: World) -> Source:
    """Return this process's share of a source; alone, the source itself."""
    return source if world.size == 1 else Share(source, world)


def processes(source: Source) -> int:
    """Return how many processes share a source."""
    return source.world.size if isinstance(source, Share) else 1


def gathered(data: Source, parts: Sequence[Tensor]) -> Tensor:
    """Return measured rows as one tensor: of all processes where the data was shared."""
    if isinstance(data, Share):
        parts = data.world.gather(parts)
    return torch.cat(list(parts)) if parts else torch.empty(0)
