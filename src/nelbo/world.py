"""`World`: the processes that work together, possibly one."""

from __future__ import annotations

import gc
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any, TypeVar

import torch

from nelbo.errors import Failed, NelboError
from nelbo.rng import generator

T = TypeVar("T")


class World(ABC):
    """What a process knows of the others.

    All processes have to call its methods alike, in the same order: they wait for each other.

    Attributes:
        rank: which process this is, from 0.
        size: how many there are.
    """

    rank: int
    size: int

    @property
    def is_main(self) -> bool:
        """Whether this process is the one that writes and speaks."""
        return self.rank == 0

    @property
    def belief(self) -> str:
        """What is said of them before the first step: nothing, of one."""
        return f", {self.size} processes" * (self.size > 1)

    @abstractmethod
    def seed(self, *key: int) -> int:
        """Return this process's own seed for a key such as (seed,) or (seed, step)."""

    @abstractmethod
    def gather(self, values: Sequence[T]) -> list[T]:
        """Return the values of all processes, in the order of their ranks."""

    @abstractmethod
    def on_main(self, call: Callable[[], T]) -> T:
        """Return, everywhere, what a call gives on rank 0; what it raises is raised everywhere."""

    def add(self, values: Sequence[float]) -> list[float]:
        """Return the sums over the processes of some numbers.

        Example:
            >>> ALONE.add([1.0, 2.0])
            [1.0, 2.0]
        """
        return [sum(column) for column in zip(*self.gather([values]), strict=True)]


class Alone(World):
    """One process: nobody to wait for."""

    rank, size = 0, 1

    def seed(self, *key: int) -> int:
        """Return the first number of the key, the user's seed."""
        return key[0]

    def gather(self, values: Sequence[T]) -> list[T]:
        """Return the values."""
        return list(values)

    def on_main(self, call: Callable[[], T]) -> T:
        """Call it."""
        return call()


ALONE = Alone()


class Several(World):
    """The processes of torch's default process group, which is there already.

    Args:
        rank: which process this is, from 0.
        size: how many there are.
    """

    def __init__(self, rank: int, size: int) -> None:
        self.rank, self.size = rank, size

    def seed(self, *key: int) -> int:
        """Return a seed that no other process has."""
        return generator(*key, self.rank).initial_seed()

    def gather(self, values: Sequence[T]) -> list[T]:
        """Return the values of all processes, in the order of their ranks."""
        every: list[Any] = [None] * self.size
        torch.distributed.all_gather_object(every, list(values))
        return list(chain.from_iterable(every))

    def on_main(self, call: Callable[[], T]) -> T:
        """Return, everywhere, what a call gives on rank 0; what it raises is raised everywhere."""
        told: list[Any] = [None, None]
        error = None
        if self.is_main:
            try:
                told[0] = call()
            except Exception as raised:
                error, told[1] = raised, _told(raised)
        torch.distributed.broadcast_object_list(told, src=0)
        if error is not None:
            raise error
        if told[1] is not None:
            raise told[1]
        return told[0]


def _told(error: Exception) -> NelboError:
    """Return an error as the other processes can raise it."""
    if isinstance(error, NelboError):
        return error
    got = f"'{type(error).__name__}: {error}'"
    return Failed("rank 0", expected="to do its part", got=got, fix="See its own message.")


def left_alone(error: BaseException) -> bool:
    """Whether an error says no more than that another process has ended."""
    return isinstance(error, RuntimeError) and launched() and "by peer" in str(error)


def launched() -> bool:
    """Whether a launcher (torchrun, accelerate launch) started this process beside others."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1 and "RANK" in os.environ


def first_here() -> bool:
    """Whether this is the only process on this machine, or the first of several."""
    return not launched() or os.environ.get("LOCAL_RANK", "0") == "0"


def own_device(device: torch.device) -> torch.device:
    """Return the accelerator that is this process's own: each on a machine has its number."""
    if device.type != "cuda" or device.index is not None or not launched():
        return device
    return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))


def joined(device: torch.device) -> World:
    """Return the processes that a launcher started, connected; `ALONE` where there was none.

    Args:
        device: on which this process computes.

    Example:
        >>> joined(torch.device("cpu")).size
        1
    """
    if not launched():
        return ALONE
    # only now: alone, nobody pays for its import
    from accelerate import PartialState

    state = PartialState(cpu=device.type == "cpu")
    return Several(state.process_index, state.num_processes)


def leave() -> None:
    """Take the connections to the other processes down, where there are any."""
    if launched() and torch.distributed.is_available() and torch.distributed.is_initialized():
        # what still communicates (groups that a sharded model holds, in a cycle) ends before, and
        # nobody goes while another is still at it: torch aborts at exit otherwise
        gc.collect()
        torch.distributed.barrier()
        torch.distributed.destroy_process_group()
