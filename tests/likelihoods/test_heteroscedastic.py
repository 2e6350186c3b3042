"""The predicted variance: its floor, and the weighted gradient of the beta-NLL."""

import math

import pytest
import torch

from nelbo.errors import BadValue
from nelbo.likelihoods import Heteroscedastic
from nelbo.rng import seeded


def outputs_and_data():
    with seeded(0):
        outputs = torch.randn(2, 5, 2, 3, dtype=torch.float64, requires_grad=True)
        return outputs, torch.randn(5, 3, dtype=torch.float64)


def gradient(likelihood):
    outputs, x = outputs_and_data()
    log_px = likelihood(outputs).log_prob(x)
    return log_px.detach(), torch.autograd.grad(log_px.sum(), outputs)[0]


def sigma():
    outputs, _ = outputs_and_data()
    return torch.exp(-6 + torch.log1p(torch.exp(outputs.detach()[:, :, 1:] / 2 + 6)))


@pytest.mark.parametrize("beta", [0.0, 0.5, 1.0])
def test_the_gradient_is_weighted_and_the_value_is_not(beta):
    value, plain = gradient(Heteroscedastic().train())
    weighted_value, weighted = gradient(Heteroscedastic(beta=beta).train())
    torch.testing.assert_close(weighted_value, value, rtol=1e-14, atol=0)
    torch.testing.assert_close(weighted, plain * sigma() ** (2 * beta), rtol=1e-12, atol=1e-14)


def test_at_beta_1_the_mean_has_the_gradient_of_half_the_squared_error():
    outputs, x = outputs_and_data()
    _, weighted = gradient(Heteroscedastic(beta=1.0).train())
    torch.testing.assert_close(weighted[:, :, 0], x - outputs.detach()[:, :, 0])


def test_in_evaluation_beta_changes_nothing():
    for got, expected in zip(
        gradient(Heteroscedastic(beta=0.7).eval()), gradient(Heteroscedastic().eval()), strict=True
    ):
        assert torch.equal(got, expected)


@pytest.mark.parametrize("floor", [-6.0, -2.0])
def test_sigma_stays_above_its_floor_with_a_gradient(floor):
    outputs = torch.zeros(1, 1, 2, 3, dtype=torch.float64)
    outputs[:, :, 1] = 2 * floor - 8
    outputs.requires_grad_()
    px = Heteroscedastic(floor=floor)(outputs)
    assert bool((px.variance > math.exp(2 * floor)).all())
    (slope,) = torch.autograd.grad(px.variance.sum(), outputs)
    assert bool((slope[:, :, 1] > 0).all())


def test_the_mean_stands_before_the_log_variance():
    outputs = torch.zeros(1, 1, 2, 2, 3, dtype=torch.float64)
    outputs[:, :, 0], outputs[:, :, 1] = 3.0, 4.0
    px = Heteroscedastic(floor=-40.0)(outputs)
    assert px.event_shape == (2, 3)
    torch.testing.assert_close(px.mean, torch.full((1, 1, 2, 3), 3.0).double())
    torch.testing.assert_close(px.variance, torch.full((1, 1, 2, 3), math.exp(4)).double())


def test_the_mean_does_not_say_the_variance():
    likelihood = Heteroscedastic()
    assert likelihood.noise_variance(torch.zeros(3)) is None
    assert likelihood.collapsed_variance(torch.zeros(3), torch.ones(3)) is None
    assert likelihood.implied_variance is None


def test_the_belief_names_the_weight_only_where_there_is_one():
    assert "gradients times sigma^1" in Heteroscedastic(beta=0.5).belief
    assert "gradients" not in Heteroscedastic().belief


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"beta": 1.5}, "beta: expected a number in [0, 1], got 1.5"),
        ({"beta": -0.1}, "beta: expected a number in [0, 1]"),
        ({"beta": float("nan")}, "beta: expected a number in [0, 1]"),
        ({"floor": float("-inf")}, "floor: expected a finite number, got -inf"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(BadValue) as caught:
        Heteroscedastic(**arguments)
    assert message in str(caught.value)
