"""Whether what a loss says also reaches the weights: its gradient against its differences."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor

from nelbo.doctor.audit.calling import Call, LossRaised, Point
from nelbo.rng import generator

Reach = Literal["agrees", "zero", "differs", "none"]
STEPS = (1e-5, 1e-3, 1e-2)  # the larger ones for single precision, wherever it may hide


def reaches(call: Call, base: Point) -> dict[str, Reach]:
    """Return, for `recon`, `mu` and `logvar`, whether the gradient is that of the values.

    `"none"` where the loss returns something without a gradient; empty where the loss is no
    torch code.
    """
    if not call.kind.torch:
        return {}
    leaves = call.converted(base, grad=True)
    try:
        value = call.invoke(leaves)
    except LossRaised:
        return {}  # NumPy inside: then there is no gradient to speak of
    names = ("recon", "mu", "logvar")
    if not isinstance(value, Tensor) or not value.requires_grad:
        return dict.fromkeys(names, "none")
    parts = [_members(getattr(leaves, name)) for name in names]
    flat = [t for part in parts for t in part]
    grads = iter(torch.autograd.grad(value.sum(), flat, allow_unused=True))
    return {
        name: _compare(call, base, name, [next(grads) for _ in part])
        for name, part in zip(names, parts, strict=True)
    }


def _compare(call: Call, base: Point, name: str, grads: list[Tensor | None]) -> Reach:
    given = _members(getattr(base, name))
    random = generator(7)
    directions = [torch.randn(t.shape, generator=random, dtype=torch.float64) for t in given]
    pairs = zip(grads, directions, strict=True)
    along = sum(float((g.double() * d).sum()) for g, d in pairs if g is not None)
    verdicts = []
    for step in STEPS:
        ends = [
            call.tried(base._replace(**{name: _moved(given, directions, sign * step)}))
            for sign in (1.0, -1.0)
        ]
        error = 100 * call.resolution * max(map(abs, ends)) / step
        verdicts.append(_verdict((ends[0] - ends[1]) / (2 * step), along, error))
    return "agrees" if "agrees" in verdicts else verdicts[0]


def _verdict(slope: float, along: float, error: float) -> Reach:
    if not math.isfinite(slope) or not math.isfinite(along):
        return "agrees"  # what is not finite is reported elsewhere
    if abs(slope) > 10 * error and abs(along) < 1e-6 * abs(slope):
        return "zero"
    return (
        "agrees" if abs(slope - along) < 0.05 * max(abs(slope), abs(along)) + error else "differs"
    )


def _moved(
    given: list[Tensor], directions: list[Tensor], step: float
) -> Tensor | tuple[Tensor, ...]:
    moved = tuple(t + step * d for t, d in zip(given, directions, strict=True))
    return moved[0] if len(moved) == 1 else moved


def _members(part: Tensor | tuple[Tensor, ...]) -> list[Tensor]:
    return list(part) if isinstance(part, tuple) else [part]
