"""How a term grows with examples, features and latents: that is its reduction."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from nelbo.doctor.audit.calling import Call, LossRaised, Point, each
from nelbo.doctor.audit.results import Reduction

LAWS: tuple[tuple[float, Reduction], ...] = ((1.0, "mean"), (2.0, "sum"))
SLACK = 0.04

Change = Callable[[Point], Point]


def twice_the_examples(point: Point) -> Point:
    """Return a batch with every example twice."""
    x, recon, mu, logvar = point
    return Point(
        _twice(x, 0), each(lambda t: _twice(t, 0), recon), _twice(mu, 0), _twice(logvar, 0)
    )


def twice_the_features(axis: int) -> Change:
    """Return the change that has every feature twice, along one axis."""

    def change(point: Point) -> Point:
        recon = each(lambda t: _twice(t, axis), point.recon)
        return point._replace(x=_twice(point.x, axis), recon=recon)

    return change


def twice_the_latents(point: Point) -> Point:
    """Return a posterior with every latent twice."""
    return point._replace(mu=_twice(point.mu, 1), logvar=_twice(point.logvar, 1))


def first(examples: int) -> Change:
    """Return the change that keeps so many examples, as a short last batch does."""

    def change(point: Point) -> Point:
        x, recon, mu, logvar = point
        return Point(
            x[:examples], each(lambda t: t[:examples], recon), mu[:examples], logvar[:examples]
        )

    return change


def one_feature_less(axis: int) -> Change:
    """Return the change that leaves out the last feature of an axis."""

    def change(point: Point) -> Point:
        keep = point.x.shape[axis] - 1
        recon = each(lambda t: t.narrow(axis, 0, keep), point.recon)
        return point._replace(x=point.x.narrow(axis, 0, keep), recon=recon)

    return change


def accepts(call: Call, point: Point, change: Change) -> bool:
    """Return whether the loss runs at a point of another size."""
    try:
        call(change(point))
    except LossRaised:
        return False
    return True


def law(
    call: Call, low: Point, high: Point, change: Change, seeds: int = 1, batch: bool = False
) -> Reduction | None:
    """Return how a term's difference between two points grows when its summands are doubled.

    Twice as large: a sum; the same: a mean; over examples four times: a sum that is counted once
    more for every example. None for anything else, or where the loss accepts no other size.
    """
    small = difference(call, low, high, seeds)
    try:
        large = difference(call, change(low), change(high), seeds)
    except LossRaised:
        return None
    laws: tuple[tuple[float, Reduction], ...] = LAWS
    if batch:
        laws = (*LAWS, (4.0, "sum_times_batch"))
    if small == 0:
        return None
    return next((name for n, name in laws if abs(large / small / n - 1) < SLACK), None)


def is_sum(call: Call, low: Point, high: Point, axis: int) -> bool:
    """Return whether what the halves of an axis cost is what they cost together.

    A root of a sum, a cosine, or a window that looks at both halves is no sum over them.
    """
    size = low.x.shape[axis]
    if size < 2:
        return True
    whole = difference(call, low, high)
    mixed = [_halves(low, high, axis, size // 2), _halves(high, low, axis, size // 2)]
    parts = sum(difference(call, low, point) for point in mixed)
    return abs(parts - whole) < 1e-4 * abs(whole)


def _halves(a: Point, b: Point, axis: int, at: int) -> Point:
    """Return the point whose reconstruction is that of `a` before an index and of `b` after it."""

    def joined(p: Tensor, q: Tensor) -> Tensor:
        return torch.cat([p.narrow(axis, 0, at), q.narrow(axis, at, q.shape[axis] - at)], axis)

    if isinstance(a.recon, tuple) and isinstance(b.recon, tuple):
        first, second = (joined(p, q) for p, q in zip(a.recon, b.recon, strict=True))
        return a._replace(recon=(first, second))
    assert isinstance(a.recon, Tensor)
    assert isinstance(b.recon, Tensor)
    return a._replace(recon=joined(a.recon, b.recon))


def difference(call: Call, low: Point, high: Point, seeds: int = 1) -> float:
    """Return the loss at one point less that at another, with the same noise in both."""
    return sum(call(high, seed) - call(low, seed) for seed in range(seeds)) / seeds


def _twice(t: Tensor, axis: int) -> Tensor:
    return torch.cat([t, t], axis)
