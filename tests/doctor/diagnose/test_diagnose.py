"""What a diagnosis measures on a model whose posterior is known, and what it refuses."""

import math

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from torch import nn

import nelbo
from nelbo.doctor.diagnose import adapt, diagnose
from nelbo.errors import BadType, BadValue
from nelbo.likelihoods import Gaussian
from nelbo.rng import seeded


def test_the_exact_model_is_healthy_and_measured_in_closed_form(exact, healthy, codes, sample):
    model = healthy(
        sample=sample, likelihood=Gaussian(variance=exact.variance), beta=1.0, steps=100
    )
    found = diagnose(model, exact.x)
    assert codes(found) == []
    assert found.ok
    assert found.audit is None
    value = {name: estimate.value for name, estimate in found.measures.items()}
    assert value["active_units"] == 3
    kl = -0.5 * np.log(exact.variance / exact.m).sum()
    assert_allclose(value["kl_per_latent"], kl, rtol=0.05)  # the data's own moments, of 1000
    assert_allclose(value["decoder_sensitivity"], (exact.w**2).sum() / exact.variance, rtol=1e-3)
    assert value["aggregate_posterior_bound"] < 0.05
    assert abs(value["prior_spread"] - 1) < 0.2
    eigenvalues = np.linalg.eigvalsh(np.cov(exact.x.T, bias=True))[::-1]
    assert_allclose(value["pca_error"], eigenvalues[3:].sum(), rtol=1e-4)
    assert_allclose(found.measures["pca_error"].parts[0], eigenvalues[1:].sum(), rtol=1e-4)
    assert_allclose(found.forecast.margin, eigenvalues[0] / exact.variance, rtol=1e-3)


def test_numpy_and_torch_are_told_the_same(exact, healthy, codes):
    ours = diagnose(healthy(), exact.x)
    theirs = diagnose(adapt(encode=exact.encode, decode=exact.decode), exact.x)
    assert codes(theirs) == codes(ours) == []
    for name, estimate in theirs.measures.items():
        assert_allclose(estimate.value, ours.measures[name].value, rtol=1e-3, err_msg=name)


def test_a_nelbo_model_needs_no_adapter(codes):
    with seeded(0):
        model = nelbo.VAE(8, 3, network=nelbo.networks.MLP(hidden=(16,)))
        x = (torch.rand(400, 2) @ torch.rand(2, 8) > 0.5).float()
    nelbo.fit(model, x, epochs=40, lr=1e-2, callbacks=[])
    model.train()
    found = diagnose(model, x)
    assert codes(found) == []
    assert found.forecast.margin > 1
    assert model.training
    assert model.decoder.training


def test_the_same_seed_says_the_same_and_leaves_the_generators_alone(exact, healthy):
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    first, second = (diagnose(healthy(), exact.x, seed=1) for _ in range(2))
    assert torch.rand(1) == expected
    assert first.findings == second.findings
    assert first.measures == second.measures
    other = diagnose(healthy(), exact.x, seed=2)
    assert other.measures["prior_spread"].value != first.measures["prior_spread"].value


def test_examples_are_spread_over_the_data_and_streams_are_cut(exact, healthy):
    found = diagnose(healthy(), exact.x, examples=100)
    assert found.measures["active_units"].examples == 100
    stream = list(torch.from_numpy(exact.x).split(30))
    found = diagnose(healthy(), stream, examples=100)
    assert found.measures["active_units"].examples == 100


def test_sorted_data_is_seen_in_random_order(exact, healthy):
    """The prior against the first thousand of sorted examples would be the prior against a half."""
    order = np.argsort(exact.encode(exact.x)[0][:, 0])
    found = diagnose(healthy(), np.repeat(exact.x[order], 2, axis=0))
    assert abs(found.measures["prior_spread"].value - 1) < 0.2
    assert found.measures["aggregate_posterior_bound"].value < 0.05


def test_few_learnt_features_among_many_of_noise(exact, pair, codes):
    """Their mean deviation is less than a hundredth of the data's, but the decoder listens."""
    encoder, decoder = pair
    noise = np.random.default_rng(1).normal(size=(500, 1000)).astype(np.float32)
    x = np.concatenate([exact.x[:500], noise], axis=1)

    def decode(z):
        return nn.functional.pad(decoder(z), (0, 1000))

    found = diagnose(adapt(encode=lambda x: encoder(x[:, :8]), decode=decode), x)
    assert found.measures["output_deviation"].value < 0.01
    assert codes(found) == []


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (np.full((5, 8), math.nan, np.float32), "expected finite values|expected .*finite"),
        (np.zeros((5, 7), np.float32), "encode: expected a function of an array of shape"),
        (np.zeros((1, 8), np.float32), "data: expected at least 2 examples, got 1"),
    ],
)
def test_data_that_will_not_do(healthy, one_line, data, said):
    with pytest.raises(BadValue, match=said) as error:
        diagnose(healthy(), data)
    one_line(error)


@pytest.mark.parametrize("shape", [(5, 7), (5, 2, 4)])
def test_data_of_another_shape_than_a_nelbo_model_has(one_line, shape):
    with pytest.raises(BadValue, match=r"data: expected examples of shape \[8\]") as error:
        diagnose(nelbo.VAE(8, 2), np.zeros(shape, np.float32))
    one_line(error)


def test_what_is_no_model(exact, unchecked):
    with pytest.raises(BadType, match=r"model: expected a nelbo.VAE, .* Wrap it: nelbo.adapt"):
        diagnose(nn.Linear(8, 8), exact.x)
    with pytest.raises(BadValue, match="examples: expected an integer of at least 2"):
        diagnose(nelbo.VAE(8, 2), exact.x, examples=1)
