"""`Part`: the rows of every batch that are one process's own."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Shaped
from torch import Tensor

from nelbo.errors import BadValue


@dataclass(frozen=True)
class Part:
    """One process's share of every batch: the rows that `tensor_split(of)[rank]` would give.

    The shares of all ranks, in their order, are the batch. Where it has fewer rows than there
    are processes, some shares are empty, so that all take the same number of steps.

    Args:
        rank: which process, from 0.
        of: how many there are.

    Raises:
        ValueError: `of` below 1, or `rank` not below it.

    Example:
        >>> import torch
        >>> [Part(rank, of=2).take(torch.arange(3)).tolist() for rank in (0, 1)]
        [[0, 1], [2]]
    """

    rank: int = 0
    of: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.rank < self.of:
            raise BadValue(
                "part",
                expected="a rank from 0, below the number of processes",
                got=f"rank {self.rank} of {self.of}",
                fix="Alone, a process is Part(rank=0, of=1).",
            )

    def take(self, rows: Shaped[Tensor, " b *shape"]) -> Shaped[Tensor, " own *shape"]:
        """Return this process's rows of a batch, a view of them, possibly none."""
        each, longer = divmod(len(rows), self.of)
        start = self.rank * each + min(self.rank, longer)
        return rows[start : start + each + (self.rank < longer)]


WHOLE = Part()
