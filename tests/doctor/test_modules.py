"""Modules behind functions, however they are hidden."""

from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from nelbo.doctor.modules import behind

LAYER = nn.Linear(2, 2)


class Owner:
    def __init__(self, held):
        self.held = held

    def method(self, x):
        return self.held(x)

    def __call__(self, x):
        return self.held(x)


def function(x, layer=None):
    return (layer or LAYER)(x)


owner, parts = Owner(LAYER), {"encoder": [LAYER]}


@pytest.mark.parametrize(
    "hidden",
    [
        LAYER,
        LAYER.forward,
        function,
        lambda x: function(x),
        lambda x: owner.method(x),
        lambda x: parts["encoder"][0](x),
        Owner(LAYER),
        Owner(LAYER).method,
        partial(function, layer=LAYER),
        torch.no_grad()(function),
    ],
)
def test_a_module_is_found(hidden):
    assert behind(hidden) == (LAYER,)


@pytest.mark.parametrize("without", [None, np.tanh, len, lambda x: np.exp(x), Owner([1, 2])])
def test_functions_without_any(without):
    assert behind(without) == ()


def test_circles_end():
    first, second = Owner(None), Owner(LAYER)
    first.held, second.other = second, first
    assert behind(first) == (LAYER,)
