"""Liveness: what the units of somebody's networks do on data, layer by layer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from nelbo.doctor.trace import VIEWS, Tracer

FLAT = 0.99  # of the way to the end: the slope of tanh there is 0.02, of a sigmoid 0.01
STUCK = 0.99  # of the examples on which a unit is at an end


@dataclass(frozen=True)
class Layer:
    """The units of one activation function on the data.

    Attributes:
        path: the module in which it was computed, or its number where there is none.
        kind: `"relu"`, `"tanh"` or `"sigmoid"`.
        units: their number; of a convolution its channels.
        dead: those of a ReLU that are 0 on all of the data.
        saturated: those of a tanh or sigmoid that are at an end on 99% of the data.
    """

    path: str
    kind: str
    units: int
    dead: int
    saturated: int


@dataclass(frozen=True)
class Activity:
    """What ran when a function was called.

    Attributes:
        layers: the hidden activations, in their order.
        last: the last two operations that changed numbers, the very last one second.
        trainable: parameters with a gradient that the function used.
        frozen: parameters without one.
        names: of the modules that hold them, for messages.
    """

    layers: tuple[Layer, ...]
    last: tuple[str, ...]
    trainable: tuple[nn.Parameter, ...]
    frozen: tuple[nn.Parameter, ...]


def watch(
    function: Callable[..., Any], arguments: Sequence[Tensor], roots: Sequence[nn.Module]
) -> tuple[Any, Activity]:
    """Call a function and return what it returned, and what ran meanwhile."""
    operations: list[tuple[str, str, Tensor]] = []

    def seen(path: str, operation: str, inputs: Sequence[Tensor], output: Tensor) -> None:
        if operation not in VIEWS and output.is_floating_point():
            kept = output.detach() if operation in RULES else torch.empty(0)
            operations.append((path, operation, kept))

    with torch.enable_grad(), Tracer(seen, roots) as tracer:
        found = function(*arguments)
    last = tuple(operation for _, operation, _ in operations[-2:])
    # what makes the output may well stay at an end
    while operations and operations[-1][1] in RULES:
        operations.pop()
    hidden = [one for one in operations if one[1] in RULES]
    layers = tuple(_layer(i, *one) for i, one in enumerate(hidden, 1) if one[2].dim() >= 2)
    every = _parameters(tracer.called.values(), found)
    trainable = tuple(p for p in every if p.requires_grad)
    return found, Activity(layers, last, trainable, tuple(p for p in every if not p.requires_grad))


def _layer(number: int, path: str, kind: str, output: Tensor) -> Layer:
    # [examples, units], or [examples, channels, height, width]
    at_end = RULES[kind](output).flatten(2).all(2) if output.dim() > 2 else RULES[kind](output)
    if kind == "relu":
        dead, saturated = int(at_end.all(0).sum()), 0
    else:
        dead, saturated = 0, int((at_end.double().mean(0) >= STUCK).sum())
    return Layer(path or f"{kind} {number}", kind, output.shape[1], dead, saturated)


RULES: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": lambda y: y == 0,
    "tanh": lambda y: y.abs() > FLAT,
    "sigmoid": lambda y: (y - 0.5).abs() > FLAT / 2,
}


def _parameters(modules: Any, found: Any) -> list[nn.Parameter]:
    """Return the parameters of the modules that ran, and those that the outputs depend on."""
    every = {id(p): p for module in modules for p in module.parameters(recurse=False)}
    outputs = found if isinstance(found, tuple) else (found,)
    waiting = [o.grad_fn for o in outputs if isinstance(o, Tensor) and o.grad_fn is not None]
    known = set(waiting)
    while waiting:
        node = waiting.pop()
        leaf = getattr(node, "variable", None)
        if isinstance(leaf, nn.Parameter):
            every.setdefault(id(leaf), leaf)
        fresh = {above for above, _ in node.next_functions if above is not None} - known
        known |= fresh
        waiting.extend(fresh)
    return list(every.values())
