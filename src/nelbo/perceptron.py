"""A plain multilayer perceptron, for parts of a model that are not its encoder or decoder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from torch import nn

from nelbo.checks import count


def perceptron(
    inputs: int, hidden: Sequence[int], outputs: int, activation: Callable[[], nn.Module] = nn.Tanh
) -> nn.Sequential:
    """Return fully connected layers, [batch, inputs] to [batch, outputs], the last one affine.

    Args:
        inputs: of one example.
        hidden: sizes of the hidden layers; () makes it affine.
        outputs: of one example.
        activation: makes what follows each hidden layer.

    Raises:
        ValueError: a size is not a positive integer.

    Example:
        >>> perceptron(3, (), 2)
        Sequential(
          (0): Linear(in_features=3, out_features=2, bias=True)
        )
    """
    ends = (inputs, *(count("hidden", size, least=1, usual=64) for size in hidden))
    layers: list[nn.Module] = []
    for fan_in, fan_out in pairwise(ends):
        layers += [nn.Linear(fan_in, fan_out), activation()]
    return nn.Sequential(*layers, nn.Linear(ends[-1], outputs))
