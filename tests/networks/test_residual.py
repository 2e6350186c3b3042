"""Residual blocks."""

import numpy as np
import pytest
import torch
from scipy.signal import correlate
from torch import nn

from nelbo.errors import BadValue
from nelbo.networks import Residual
from nelbo.rng import seeded


def silu(x):
    return x / (1 + np.exp(-x))


def convolved(x, layer):
    """Return the convolution of [in, height, width] by scipy, zeros around it."""
    weight, bias = layer.weight.detach().numpy(), layer.bias.detach().numpy()
    return np.stack(
        [
            sum(correlate(channel, w, mode="same") for channel, w in zip(x, kernels, strict=True))
            for kernels in weight
        ]
    ) + bias.reshape(-1, 1, 1)


def test_a_level_is_the_papers_equation_and_an_activation():
    """x + W2 a(W1 a(x)), from scipy's convolution."""
    with seeded(0):
        level = Residual(channels=(3,), blocks=1).level(3).double()
        x = torch.randn(1, 3, 5, 4, dtype=torch.float64)
    first, second = (m for m in level.modules() if isinstance(m, nn.Conv2d))
    for layer in (first, second):
        nn.init.uniform_(layer.bias)
    image = x[0].numpy()
    expected = silu(image + convolved(silu(convolved(silu(image), first)), second))
    np.testing.assert_allclose(level(x)[0].detach().numpy(), expected, rtol=1e-6)


def test_the_more_blocks_the_less_each_adds_at_first():
    """Last weights of N(0, 1 / (9 channels blocks)), within five standard errors."""
    with seeded(0):
        level = Residual(channels=(64, 64), blocks=2).level(64)
    weight = [m for m in level.modules() if isinstance(m, nn.Conv2d)][-1].weight.detach().double()
    n = 64 * 64 * 9
    assert abs(float(weight.var()) * 64 * 9 * 4 - 1) < 5 * (2 / n) ** 0.5


def test_blocks_are_positive():
    with pytest.raises(BadValue, match="blocks: expected an integer of at least 1, got 0. Try 1."):
        Residual(blocks=0)
