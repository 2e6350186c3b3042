"""Fully connected layers between two shapes."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

from torch import nn

from nelbo.distributions.weights import lecun
from nelbo.networks.base import Shape


def dense(
    in_shape: Shape,
    hidden: tuple[int, ...],
    out_shape: Shape,
    activation: Callable[[], nn.Module],
    width: int = 1,
    last: float = 1.0,
) -> nn.Sequential:
    """Return layers from [batch, *in_shape] to [batch, *out_shape], the last one affine.

    Args:
        in_shape: of one example.
        hidden: sizes of the hidden layers.
        out_shape: of one example.
        activation: makes what follows each hidden layer.
        width: numbers that the activation makes one of.
        last: gain of the last layer.

    Example:
        >>> len(dense((1, 28, 28), (500,), (2, 20), nn.Tanh))
        5

    """
    layers: list[nn.Module] = [nn.Flatten()]
    ends = (math.prod(in_shape), *hidden)
    for fan_in, fan_out in pairwise(ends):
        layers += [lecun(nn.Linear(fan_in, width * fan_out), fan_in), activation()]
    output = lecun(nn.Linear(ends[-1], math.prod(out_shape)), ends[-1], last)
    return nn.Sequential(*layers, output, nn.Unflatten(1, out_shape))
