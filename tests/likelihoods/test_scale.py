"""Where sigma comes from: stated, learned, optimal in closed form."""

import math

import numpy as np
import pytest
import torch
from scipy import optimize, stats

from nelbo.likelihoods import Gaussian
from nelbo.likelihoods.scale import LOG_SIGMA_FLOOR, SCALES, Learned, Optimal, Stated
from nelbo.rng import seeded


@pytest.mark.parametrize("variance", [0.3, 1e-6, 392.0])
def test_stated_keeps_all_the_digits_of_the_models_precision(variance):
    assert float(Stated(variance).double()()) ** 2 == pytest.approx(variance, rel=1e-15)
    assert Stated(variance)().dtype == torch.float32


def test_stated_has_nothing_to_learn_or_store():
    assert not list(Stated(0.3).parameters())
    assert not Stated(0.3).state_dict()


def test_learned_starts_at_1():
    assert Learned().double()().item() == pytest.approx(1.0, rel=1e-6)


def test_learned_stays_above_the_floor_and_keeps_a_gradient_there():
    scale = Learned().double()
    for rho in (-6.0, -10.0, -20.0):
        scale.rho.data.fill_(rho)
        scale.zero_grad()
        scale().backward()
        assert float(scale().detach()) > math.exp(LOG_SIGMA_FLOOR)
        assert float(scale.rho.grad) > 0


def test_far_above_the_floor_rho_is_log_sigma():
    scale = Learned().double()
    scale.rho.data.fill_(20.0)
    assert float(scale().detach()) == pytest.approx(math.exp(20.0), rel=1e-9)


def data():
    with seeded(0):
        means = torch.randn(2, 5, 3, dtype=torch.float64)
        return means, 0.4 * torch.randn(5, 3, dtype=torch.float64)


def test_optimal_is_the_maximum_of_the_batchs_likelihood():
    """Against scipy's own search over sigma, not against the formula."""
    means, x = data()
    errors = (x - means).numpy()
    found = optimize.minimize_scalar(
        lambda s: -stats.norm.logpdf(errors, scale=math.exp(s)).sum(), options={"xtol": 1e-12}
    )
    log_px = Gaussian(sigma="optimal").double()(means).log_prob(x)
    assert float(log_px.sum()) == pytest.approx(-found.fun, rel=1e-12)


def test_no_stated_sigma_does_better_than_the_optimal_one():
    means, x = data()
    best = float(Gaussian(sigma="optimal").double()(means).log_prob(x).sum())
    for variance in np.geomspace(0.01, 100, 41):
        stated = Gaussian(variance=float(variance)).double()(means).log_prob(x)
        assert float(stated.sum()) <= best


def test_optimal_takes_the_first_batch_whole_and_then_a_hundredth_of_each():
    scale = Optimal().double()
    scale.observe(torch.full((1, 2, 3), 4.0, dtype=torch.float64))
    assert scale.variance == 4.0
    scale.observe(torch.full((1, 2, 3), 5.0, dtype=torch.float64))
    assert float(scale.variance) == pytest.approx(4.01, rel=1e-15)
    assert int(scale.batches) == 2
    assert float(scale()) == pytest.approx(4.01**0.5, rel=1e-15)


def test_in_evaluation_optimal_is_fixed_whatever_the_data():
    scale = Optimal().double().eval()
    scale.variance.fill_(0.7)
    sigma = scale.observe(torch.full((1, 2, 3), 4.0, dtype=torch.float64))
    assert float(sigma) == pytest.approx(0.7**0.5, rel=1e-15)
    assert float(scale.variance) == 0.7
    assert int(scale.batches) == 0


def test_optimal_of_a_perfect_fit_is_the_floor_with_a_finite_density():
    x = torch.zeros(5, 3)
    log_px = Gaussian(sigma="optimal")(x[None].clone().requires_grad_()).log_prob(x)
    log_px.sum().backward()
    expected = -3 * (LOG_SIGMA_FLOOR + 0.5 * math.log(2 * math.pi))
    assert log_px.detach().tolist()[0] == pytest.approx([expected] * 5, rel=1e-6)


@pytest.mark.parametrize("name", SCALES)
def test_scales_say_where_they_come_from(name):
    assert SCALES[name]().source == name
