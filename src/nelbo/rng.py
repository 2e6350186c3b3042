"""Seeded randomness that leaves the caller's own generators as they were."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def seeded(seed: int | None) -> Iterator[None]:
    """Run the block with torch's generators at `seed`, then put their states back.

    With `seed=None` the block draws from the caller's generators.

    Example:
        >>> with seeded(0):
        ...     a = torch.rand(1)
        >>> with seeded(0):
        ...     b = torch.rand(1)
        >>> bool(a == b)
        True

    """
    if seed is None:
        yield
        return
    # Named, or torch warns where there are many devices.
    used = torch.cuda.device_count() if torch.cuda.is_initialized() else 0
    with torch.random.fork_rng(devices=range(used)):
        # torch.manual_seed would note down the stack for every accelerator that is not in use:
        # milliseconds that are paid thousands of times, and memory that is never freed
        torch.default_generator.manual_seed(seed)
        if used:
            torch.cuda.manual_seed_all(seed)
        if torch.backends.mps.is_available():
            torch.mps.manual_seed(seed)
        yield


def generator(*key: int) -> torch.Generator:
    """Return a generator for a tuple of integers, such as (seed, epoch): same key, same stream.

    Example:
        >>> a, b = generator(0, 1), generator(0, 1)
        >>> bool(torch.rand(1, generator=a) == torch.rand(1, generator=b))
        True

    """
    mixed = 0
    for part in key:
        # SplitMix64's increment and multiplier: neighbouring keys give unrelated streams.
        mixed = ((mixed ^ part) + 0x9E3779B97F4A7C15) * 0xBF58476D1CE4E5B9 % 2**64
        mixed ^= mixed >> 31
    return torch.Generator().manual_seed(mixed >> 1)
