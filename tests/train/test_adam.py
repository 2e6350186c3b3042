"""`Adam` against torch's own, and what it does where a loss is not finite."""

import copy
import math

import pytest
import torch
from torch import nn

from nelbo.train.adam import Adam


@pytest.fixture
def weights():
    torch.manual_seed(0)
    return [nn.Parameter(torch.randn(shape)) for shape in ((7, 300), (300,), ())]


def _gradients(weights, step):
    torch.manual_seed(step)
    for weight in weights:
        weight.grad = torch.randn_like(weight)


def test_its_steps_are_those_of_torch_bit_for_bit(weights):
    twins = copy.deepcopy(weights)
    ours, theirs = Adam(weights, lr=0.01), torch.optim.Adam(twins, lr=0.01, fused=True)
    for step in range(20):
        _gradients(weights, step)
        _gradients(twins, step)
        ours.update(torch.tensor(1.0))
        theirs.step()
    assert all(torch.equal(a, b) for a, b in zip(weights, twins, strict=True))
    for a, b in zip(weights, twins, strict=True):
        assert ours.state[a].keys() == theirs.state[b].keys()
        assert all(torch.equal(ours.state[a][k], theirs.state[b][k]) for k in ours.state[a])


@pytest.mark.parametrize("loss", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_not_finite_changes_nothing(weights, loss):
    adam = Adam(weights, lr=0.01)
    _gradients(weights, 0)
    adam.update(torch.tensor(1.0))
    before, state = copy.deepcopy(weights), copy.deepcopy(adam.state_dict())
    for weight in weights:
        weight.grad = torch.full_like(weight, math.nan)
    adam.update(torch.tensor(loss))
    assert all(torch.equal(a, b) for a, b in zip(weights, before, strict=True))
    after = adam.state_dict()["state"]
    for i, slots in state["state"].items():
        assert all(torch.equal(after[i][name], value) for name, value in slots.items())


def test_it_goes_on_from_what_it_saved(weights):
    twins = copy.deepcopy(weights)
    first, second = Adam(weights, lr=0.01), Adam(twins, lr=0.01)
    for step in range(6):
        if step == 3:
            for weight, twin in zip(weights, twins, strict=True):
                twin.data.copy_(weight.data)
            second.load_state_dict(copy.deepcopy(first.state_dict()))
        for adam, params in ((first, weights), (second, twins)):
            if adam is first or step >= 3:
                _gradients(params, step)
                adam.update(torch.tensor(0.0))
    assert all(torch.equal(a, b) for a, b in zip(weights, twins, strict=True))


def test_a_parameter_that_is_not_in_use_stays_as_it_is(weights):
    adam = Adam(weights, lr=0.01)
    _gradients(weights, 0)
    weights[1].grad, before = None, weights[1].detach().clone()
    adam.update(torch.tensor(0.0))
    adam.update(torch.tensor(math.nan))
    assert torch.equal(weights[1], before)
    assert adam.state[weights[0]]["step"].item() == 1
