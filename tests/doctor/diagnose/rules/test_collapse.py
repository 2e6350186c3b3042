"""Collapse and its causes: the weight of the KL, the belief of the loss, the data."""

import re

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from torch import nn

import nelbo
from nelbo.doctor.diagnose import adapt, diagnose
from nelbo.likelihoods import Gaussian
from nelbo.objectives import Linear


def collapse(encoder):
    def encode(x):
        mu, logvar = encoder(x)
        return 1e-3 * mu, 0 * logvar

    return encode


def test_a_warm_up_that_had_not_ended(exact, healthy, codes):
    found = diagnose(healthy(beta=Linear(steps=1000), steps=200), exact.x)
    assert codes(found) == ["warmup_unfinished"]
    assert_allclose(found.findings[0].evidence["largest beta reached"], 0.2)
    assert codes(diagnose(healthy(beta=Linear(steps=100), steps=200), exact.x)) == []
    cyclical = nelbo.objectives.Cyclical(steps=50)
    assert codes(diagnose(healthy(beta=cyclical, steps=210), exact.x)) == []
    # every twentieth of these steps is at the beginning of a cycle
    cyclical = nelbo.objectives.Cyclical(steps=100)
    assert codes(diagnose(healthy(beta=cyclical, steps=2010), exact.x)) == []


def test_a_beta_under_which_nothing_can_be_learnt(exact, pair, codes):
    encoder, decoder = pair
    stated = {"likelihood": Gaussian(variance=0.5), "beta": 100.0}
    model = adapt(encode=collapse(encoder), decode=decoder, **stated)
    found = diagnose(model, exact.x)
    assert codes(found) == ["beta_too_large", "collapsed"]
    assert found.forecast.margin < 1


@pytest.mark.parametrize(
    ("scale", "cause"),
    [
        (1.0, "averaged over the 8 features .* believes in noise of variance 4"),
        (0.1, "summed over the features believes in noise of variance 0.5"),
        (10.0, "a weight of the KL that is far too large"),
    ],
)
def test_a_collapse_with_no_loss_at_hand_has_a_likeliest_cause(exact, codes, scale, cause):
    """The data's largest eigenvalue is about 3.3, times the square of the scale; D / 2 is 4."""
    x = scale * 0.9 * (exact.x - exact.x.mean(0))
    silent = nn.Linear(3, 8, bias=False)
    nn.init.zeros_(silent.weight)
    found = diagnose(adapt(encode=lambda x: (0 * x[:, :3], 0 * x[:, :3]), decode=silent), x)
    assert codes(found) == ["collapsed"]
    assert re.search(cause, found.findings[0].cause)


def test_a_collapse_under_a_stated_likelihood(exact, pair):
    encoder, decoder = pair
    for variance, said in ((100.0, "not worth a latent"), (0.1, "would learn from this data")):
        model = adapt(
            encode=collapse(encoder), decode=decoder, likelihood=Gaussian(variance=variance)
        )
        found = diagnose(model, exact.x)
        assert found.findings[0].code == "collapsed"
        assert said in found.findings[0].cause


def loss(x, recon, mu, logvar):
    kl = -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum(1).mean()
    return nn.functional.mse_loss(recon, x) + kl


def test_the_audit_stands_before_what_it_explains(exact, pair, codes):
    encoder, decoder = pair
    model = adapt(encode=collapse(encoder), decode=decoder, loss=loss)
    found = diagnose(model, 0.9 * exact.x)
    assert codes(found)[:2] == ["pixels_averaged", "collapsed"]
    assert found.audit.sigma2 == pytest.approx(4.0, rel=1e-3)
    assert found.forecast is found.audit.forecast


def test_reconstructions_worse_than_the_mean(exact, healthy, codes):
    found = diagnose(healthy(), exact.x + 10 * np.arange(8, dtype=np.float32))
    assert "worse_than_constant" in codes(found)


def test_latents_that_are_not_used_are_no_disease(exact, pair, codes):
    encoder, decoder = pair
    wide = nn.Linear(5, 8)
    with torch.no_grad():
        wide.weight.zero_()
        wide.weight[:, :3], wide.bias[:] = decoder.weight, decoder.bias

    def encode(x):
        return tuple(nn.functional.pad(part, (0, 2)) for part in encoder(x))

    found = diagnose(adapt(encode=encode, decode=wide), exact.x)
    assert codes(found) == []
    assert [f.code for f in found.findings] == ["unused_latents"]
