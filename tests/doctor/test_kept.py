"""Modes, weights, gradients and generators, after a block that changes them all."""

import random

import numpy as np
import pytest
import torch
from torch import nn

from nelbo.doctor.kept import generators_kept, sampling_mode, weights_kept


@pytest.mark.parametrize("raises", [False, True])
def test_weights_buffers_and_gradients_come_back(raises):
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))
    model[0].weight.grad = torch.ones(4, 3)
    gradient = model[0].weight.grad
    before = {name: t.clone() for name, t in model.state_dict().items()}

    def train():
        with weights_kept([model, model[0]]):
            model(torch.randn(5, 3)).sum().backward()
            torch.optim.SGD(model.parameters(), lr=0.1).step()
            assert not torch.equal(model[2].bias, before["2.bias"])
            if raises:
                raise KeyError

    if raises:
        with pytest.raises(KeyError):
            train()
    else:
        train()
    for name, t in model.state_dict().items():
        assert torch.equal(t, before[name]), name
    assert model[0].weight.grad is gradient
    assert torch.equal(gradient, torch.ones(4, 3))
    assert model[2].weight.grad is None


def test_a_graph_that_waits_for_its_backward_survives():
    layer = nn.Linear(2, 1)
    loss = layer(torch.ones(1, 2)).pow(2).sum()
    with weights_kept([layer]):
        layer(torch.zeros(1, 2))
    loss.backward()
    assert layer.weight.grad is not None


def test_latents_are_drawn_but_nothing_is_dropped():
    model = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5), nn.BatchNorm1d(2)).eval()
    model[0].train()
    with sampling_mode(model):
        assert [part.training for part in model.modules()] == [True, True, False, False]
    assert [part.training for part in model.modules()] == [False, True, False, False]


def test_numpys_and_pythons_generators_come_back():
    np.random.seed(5)
    random.seed(5)
    expected = np.random.random(), random.random()
    np.random.seed(5)
    random.seed(5)
    with generators_kept():
        first = np.random.random(), random.random()
    with generators_kept():
        assert (np.random.random(), random.random()) == first
    assert (np.random.random(), random.random()) == expected
