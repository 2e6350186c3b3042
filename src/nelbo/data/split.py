"""One array as a training set and a test set."""

from __future__ import annotations

import torch

from nelbo.data.arrays import as_labels
from nelbo.data.parts import Parts
from nelbo.errors import BadValue
from nelbo.rng import generator

_TENTH_AT_MOST = 10_000


def hold_out(parts: Parts, name: str, seed: int) -> Parts:
    """Return the parts with one tenth of the single array as test set, at most 10,000 examples.

    A permutation chooses them; the order within both sets stays as it was.

    Args:
        parts: with `train` a tensor [n, ...], and no test set.
        name: the data's name in error messages.
        seed: of the permutation.

    Raises:
        ValueError: fewer than two examples, or labels of another length.

    Example:
        >>> split = hold_out(Parts(torch.zeros(20, 3)), "zeros", seed=0)
        >>> len(split.train), len(split.test)
        (18, 2)
    """
    n = len(parts.train)
    if n < 2:
        raise BadValue(
            name,
            expected="at least 2 examples, to hold one out as the test set",
            got=n,
            fix="Give more data, or both train and test in a .npz.",
        )
    held = min(max(1, n // 10), _TENTH_AT_MOST)
    order = torch.randperm(n, generator=generator(seed, n))
    test, train = order[:held].sort().values, order[held:].sort().values
    labels = None if parts.labels is None else as_labels(parts.labels, n, f"{name}'s labels")
    device = parts.train.device
    return Parts(
        train=parts.train[train.to(device)],
        labels=None if labels is None else labels[train],
        test=parts.train[test.to(device)],
        test_labels=None if labels is None else labels[test],
        origin=parts.origin,
    )
