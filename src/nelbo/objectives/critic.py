"""The critic that adversarial objectives train: a multilayer perceptron with one logit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from nelbo.checks import positive
from nelbo.errors import BadValue

SLOPE = 0.2  # of the critics' rectifiers below 0


def critic(shape: Sequence[int], hidden: Sequence[int]) -> nn.Sequential:
    """Return a critic of [n, *shape] with one logit each, [n]: above 0 for the first kind.

    It begins undecided: its last layer is 0, and so is every logit.
    """
    layers: list[nn.Module] = [nn.Flatten()]
    for fan_in, fan_out in pairwise((math.prod(shape), *hidden)):
        layers += [nn.Linear(fan_in, fan_out), nn.LeakyReLU(SLOPE)]
    last = nn.Linear(hidden[-1], 1)
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    return nn.Sequential(*layers, last, nn.Flatten(0))


# log s(D(a)) + log(1 - s(D(b)))                                         Goodfellow et al. 2014, (1)
def told_apart(first: Float[Tensor, " n"], second: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
    """Return how well logits tell two kinds apart: what a critic maximises, at most 0."""
    return F.logsigmoid(first) + F.logsigmoid(-second)


def check_critic(hidden: Sequence[int], lr: float | None) -> tuple[int, ...]:
    """Return the sizes of a critic's layers; refuse sizes and a step size out of range."""
    sizes = tuple(hidden)
    if not sizes or not all(isinstance(h, int) and h >= 1 for h in sizes):
        expected, fix = "positive integers, at least one", "For example (256, 256)."
        raise BadValue("hidden", expected=expected, got=hidden, fix=fix)
    if lr is not None:
        positive("lr", lr, fix="Try 1e-4.")
    return sizes
