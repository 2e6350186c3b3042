"""The Beta at its limits: the uniform start, the ceiling, the ends of the interval, float32."""

import math

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy import stats

from nelbo.errors import BadValue
from nelbo.likelihoods import Beta


def outputs_of(logit, c, dtype=torch.float64):
    return torch.tensor([logit, c], dtype=dtype).reshape(1, 1, 2, 1)


def test_outputs_of_0_are_the_uniform_distribution():
    px = Beta()(outputs_of(0.0, 0.0))
    x = torch.linspace(0.01, 0.99, 99, dtype=torch.float64)[:, None]
    assert_allclose(px.log_prob(x[:, None, None])[..., 0, 0], np.zeros(99), atol=1e-12)


def test_the_concentration_has_a_ceiling_and_keeps_a_gradient_there():
    outputs = outputs_of(0.0, 15.0).requires_grad_()
    variance = Beta()(outputs).variance
    assert float(variance.detach()) > 0.25 / (1 + math.exp(10))
    assert float(torch.autograd.grad(variance.sum(), outputs)[0][0, 0, 1]) < 0


@pytest.mark.parametrize("x", [0.0, 1.0])
def test_a_draw_rounded_to_an_end_has_a_finite_density_and_gradient(x):
    outputs = outputs_of(0.3, 1.0, torch.float32).requires_grad_()
    log_px = Beta()(outputs).log_prob(torch.full((1, 1), x))
    (slope,) = torch.autograd.grad(log_px.sum(), outputs)
    assert bool(log_px.isfinite().all() and slope.isfinite().all())


def test_float32_keeps_its_digits_at_any_concentration():
    """A difference of log-gammas would be off by 0.02 nats a feature at k = 22,000."""
    for c in (0.0, 3.0, 6.0, 12.0):
        k = math.exp(10) / (1 + (math.exp(10) / 2 - 1) * math.exp(-c))
        x = np.float32(0.31)
        m = 1 / (1 + math.exp(0.8))
        got = Beta()(outputs_of(-0.8, c, torch.float32)).log_prob(torch.tensor([[x]]))
        expected = stats.beta.logpdf(np.float64(x), m * k, (1 - m) * k)
        assert_allclose(float(got), expected, atol=1e-6 * (10 + k * 0.1))


@pytest.mark.parametrize("x", [[0.0, 0.5], [0.5, 1.0], [0.5, 1.5], [-0.5, 0.5]])
def test_the_ends_are_refused(x):
    with pytest.raises(BadValue, match="data for Beta: expected values between 0 and 1, neither"):
        Beta().check(torch.tensor(x))


def test_what_lies_inside_is_accepted():
    assert Beta().check(torch.tensor([1e-6, 0.5, 1 - 1e-6])) is True


def test_the_mean_does_not_say_the_variance():
    assert Beta().noise_variance(torch.full((3,), 0.5)) is None
