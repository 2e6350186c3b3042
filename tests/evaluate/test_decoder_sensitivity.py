"""Decoder sensitivity against the closed form of linear decoders, and against autograd."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from torch.func import jacrev, vmap

import nelbo
from nelbo.errors import BadType
from nelbo.evaluate import DecoderSensitivity
from nelbo.evaluate.decoder_sensitivity import _parts, effective_rank
from nelbo.rng import seeded


def test_a_linear_decoder(pca):
    """G = W'W / s^2 everywhere, and the effective rank by its definition."""
    found = nelbo.evaluate(pca.model(), pca.x, [DecoderSensitivity()])
    spectrum = np.array([1.8, 0.7]) ** 2 / pca.variance
    sensitivity, rank = found["decoder_sensitivity"], found["effective_rank"]
    assert_allclose(sensitivity.parts, spectrum, rtol=1e-6)
    assert_allclose(sensitivity.value, spectrum.sum(), rtol=1e-6)
    p = spectrum / spectrum.sum()
    assert_allclose(rank.value, np.exp(-(p * np.log(p)).sum()), rtol=1e-6)
    assert rank.standard_error < 1e-6
    assert rank.unit == "of 2 directions"


@pytest.mark.parametrize("latent", [3, 40])
def test_a_deep_bernoulli_decoder_against_autograd(latent):
    with seeded(1):
        network = nelbo.networks.MLP(hidden=(12,))
        model = nelbo.VAE(8, latent, network=network).double()
        x = torch.rand(30, 8).round()
    found = nelbo.evaluate(model, x, [DecoderSensitivity()])["decoder_sensitivity"]
    with seeded(0):
        z = model.terms(x.double()).z[0].detach()

    def mean(one):
        return torch.sigmoid(model.decoder(one[None]))[0]

    m = torch.sigmoid(model.decoder(z)).detach()
    jacobian = vmap(jacrev(mean))(z).detach() / (m * (1 - m)).sqrt()[..., None]
    g = torch.einsum("bdk,bdl->kl", jacobian, jacobian) / len(z)
    expected = torch.linalg.eigvalsh(g).flip(0)
    # a central difference of step 0.03 is off by about its square
    assert_allclose(found.parts, expected.clamp_min(0), rtol=2e-3, atol=1e-6 * expected[0])
    assert found.examples == 30


def test_the_examples_at_a_time_make_no_difference(pca, monkeypatch):
    expected = nelbo.evaluate(pca.model(), pca.x, [DecoderSensitivity()])
    monkeypatch.setitem(_parts.__globals__, "ELEMENTS", 50)
    found = nelbo.evaluate(pca.model(), pca.x, [DecoderSensitivity()])
    for name, estimate in found.items():
        assert_allclose(estimate.value, expected[name].value, rtol=1e-9)
        assert estimate.examples == expected[name].examples


def test_a_decoder_that_ignores_its_latents(pca):
    model = pca.model()
    model.load_state_dict({**model.state_dict(), "decoder.1.weight": torch.zeros(6, 2)})
    found = nelbo.evaluate(model, pca.x, [DecoderSensitivity()])
    assert found["decoder_sensitivity"].value == 0.0
    assert found["effective_rank"].value == 0.0


@pytest.mark.parametrize("rank", [1, 2, 5])
def test_equal_directions_are_counted(rank):
    spectrum = torch.zeros(7)
    spectrum[:rank] = 0.3
    assert_allclose(effective_rank(spectrum), rank, rtol=1e-6)


def test_a_model_without_decode_is_refused(foreign):
    with pytest.raises(BadType, match="model: expected a method decode"):
        nelbo.evaluate(foreign, np.zeros((4, 3), np.float32), [DecoderSensitivity()])
