"""The identity behind the question, against numpy: a squared error is a Gaussian."""

import math

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

import nelbo
from nelbo.compare.identity import SQUARED_ERRORS, identity
from nelbo.compare.losses import SUM
from nelbo.likelihoods import Gaussian
from nelbo.rng import seeded

MEAN = "F.mean_squared_error"


def model(features, variance, link="logit"):
    torch.manual_seed(0)
    likelihood = Gaussian(variance=variance, link=link)
    return nelbo.VAE((features,), 3, nelbo.networks.MLP(hidden=(8,)), likelihood)


def batch(features, n=10):
    return torch.rand(n, features, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("link", ["logit", "identity"])
@pytest.mark.parametrize("features", [4, 784, 3072])
@pytest.mark.parametrize("name", sorted(SQUARED_ERRORS))
def test_as_written_is_as_from_nats(name, features, link):
    """In float64 all that is lost is what the constant's own last digits swallow."""
    variance = features / 2 if name == MEAN else 0.5
    found = identity(name, model(features, variance, link), batch(features))
    assert found.scale == 1.0
    lost = 8 * np.finfo(float).eps * (abs(found.constant) + abs(found.as_written))
    assert abs(found.as_written - found.from_nats) < lost
    assert_allclose(found.as_written, found.from_nats, rtol=1e-9)
    assert f"{found.as_written:.8g}" == f"{found.from_nats:.8g}"


@pytest.mark.parametrize("name", sorted(SQUARED_ERRORS))
def test_both_by_hand(name):
    """The squared error and the KL written out in numpy, from the same draws of z."""
    features = 6
    variance = features / 2 if name == MEAN else 0.5
    vae, x = model(features, variance), batch(features)
    found = identity(name, vae, x)
    with seeded(0), torch.no_grad():
        twin = vae.double()
        mu, logvar = (v.numpy() for v in twin.encoder(x.double()).unbind(1))
        y = twin.terms(x.double()).px.mean[0].numpy()
    squared = (x.double().numpy() - y) ** 2
    error = squared.mean() if name == MEAN else squared.sum(1).mean()
    kl = 0.5 * (mu**2 + np.exp(logvar) - logvar - 1).sum() / len(x)
    assert_allclose(found.as_written, error + kl, rtol=1e-12)
    assert_allclose(found.constant, features / 2 * math.log(2 * math.pi * variance), rtol=1e-12)
    assert found.variance == variance


def test_the_model_stays_as_it_was():
    vae = model(4, 2.0)
    before, state = vae.state_dict(), torch.get_rng_state()
    identity(MEAN, vae, batch(4))
    assert {p.dtype for p in vae.parameters()} == {torch.float32}
    assert all(torch.equal(before[name], t) for name, t in vae.state_dict().items())
    assert torch.equal(torch.get_rng_state(), state)


def test_a_sum_is_not_a_mean():
    """The two losses differ by the factor D in the error alone: the wrong variance shows."""
    found = identity(SUM, model(784, 392.0), batch(784))
    assert abs(found.as_written - found.from_nats) > 1.0
