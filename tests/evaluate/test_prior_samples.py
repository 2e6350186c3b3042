"""Prior samples against linear decoders, whose outputs have known moments."""

import math

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from torch.distributions import Independent, Normal

import nelbo
from nelbo.evaluate import PriorSamples
from nelbo.terms import Terms

W = torch.tensor([[1.0, 0.0, 0.5], [0.0, 2.0, 0.5]]).double()


class Linear:
    """q(z|x) = N(a x + c, s^2), so that q(z) = N(c, a^2 + s^2) for x ~ N(0, 1); decodes z W."""

    def __init__(self, gain=0.8, shift=0.0, sigma=0.6):
        self.gain, self.shift, self.sigma = gain, shift, sigma

    def decode(self, z):
        return Independent(Normal(z.double() @ W, 1.0), 1)

    def terms(self, x, samples=1):
        q = Independent(Normal(self.gain * x.double() + self.shift, self.sigma), 1)
        z = q.rsample((samples,))
        zero = torch.zeros(2).double()
        return Terms(x, z, self.decode(z), q, Independent(Normal(zero, zero + 1), 1))

    def reconstruct(self, x):
        return self.decode(x).mean


def measure(model, n=1000):
    x = np.random.default_rng(0).normal(size=(n, 2)).astype(np.float32)
    return nelbo.evaluate(model, x, [PriorSamples()])


def test_where_the_aggregate_posterior_is_the_prior():
    """0.8^2 + 0.6^2 = 1."""
    found = measure(Linear())
    for name, truth in (("prior_spread", 1.0), ("prior_distance", 1.0)):
        assert abs(found[name].value - truth) < 4 * found[name].standard_error
    # |difference of two means of n|^2 / variance = about 2 / n per direction
    assert found["prior_mean_shift"].value < 0.02


@pytest.mark.parametrize(("gain", "sigma"), [(5.0, 0.1), (0.3, 0.1)])
def test_the_spread_is_the_ratio_of_variances(gain, sigma):
    found = measure(Linear(gain=gain, sigma=sigma))["prior_spread"]
    truth = 1 / (gain**2 + sigma**2)
    assert abs(found.value - truth) < 4 * found.standard_error
    assert_allclose(found.value, truth, rtol=0.15)


def test_the_shift_is_that_of_the_means():
    """|c W|^2 / tr(W' W), both latents moved by 2."""
    found = measure(Linear(shift=2.0))["prior_mean_shift"]
    truth = float(((torch.full((2,), 2.0).double() @ W) ** 2).sum() / (W**2).sum())
    assert abs(found.value - truth) < 4 * found.standard_error + 0.02


def test_samples_far_from_the_data_are_far():
    assert measure(Linear(shift=8.0))["prior_distance"].value > 20


def test_a_decoder_that_ignores_its_latents():
    model = Linear()
    model.decode = lambda z: Independent(Normal(0 * (z.double() @ W), 1.0), 1)
    found = measure(model)
    values = [found[f"prior_{name}"].value for name in ("mean_shift", "spread", "distance")]
    assert values == [0.0, 1.0, 1.0]


def test_the_error_is_not_known_of_one_example():
    found = measure(Linear(), n=1)
    assert all(math.isfinite(estimate.value) for estimate in found.values())
