"""The VAE: shapes, errors, records, and names that checkpoints rely on."""

import copy
import json

import pytest
import torch
from torch import nn

import nelbo
from nelbo import registry
from nelbo.errors import BadType, BadValue
from nelbo.rng import seeded
from tests.references import LIKELIHOODS


def small(**others):
    return nelbo.VAE((1, 2, 3), 2, network=nelbo.networks.MLP(hidden=(4,)), **others)


@pytest.mark.parametrize("data_shape", [(6,), (1, 2, 3), (2, 1, 1, 2)])
@pytest.mark.parametrize("latent", [1, 3])
def test_shapes(data_shape, latent):
    model = nelbo.VAE(data_shape, latent, network=nelbo.networks.MLP(hidden=(4,)))
    x = torch.ones(5, *data_shape)
    terms = model.terms(x, samples=7)
    assert terms.z.shape == (7, 5, latent)
    assert terms.log_px.shape == terms.log_qz.shape == terms.log_pz.shape == (7, 5)
    assert terms.kl.shape == (5, latent)
    assert model.encode(x).batch_shape == (5,)
    assert model.decode(terms.z).batch_shape == (7, 5)
    assert model.decode(terms.z).event_shape == data_shape
    assert model.reconstruct(x).shape == x.shape
    assert model.sample(9).shape == (9, *data_shape)


def test_a_batch_of_one():
    assert small().terms(torch.ones(1, 1, 2, 3)).log_px.shape == (1, 1)


def test_reconstruction_is_the_mean_at_the_mean():
    model = small().double()
    x = torch.rand(5, 1, 2, 3).double()
    mu = model.encoder(x)[:, 0]
    torch.testing.assert_close(model.reconstruct(x), torch.sigmoid(model.decoder(mu)))


def test_samples_come_from_the_seed_and_leave_the_callers_generator_alone():
    model, state = small(), torch.get_rng_state()
    assert torch.equal(model.sample(4, seed=1), model.sample(4, seed=1))
    assert not torch.equal(model.sample(4, seed=1), model.sample(4, seed=2))
    assert torch.equal(torch.get_rng_state(), state)
    assert not model.sample(4).requires_grad


@pytest.mark.parametrize("shape", [(5, 6), (5, 1, 3, 2), (1, 2, 3)])
def test_data_of_a_wrong_shape_is_refused(shape):
    with pytest.raises(BadValue) as caught:
        small().terms(torch.ones(shape))
    assert str(caught.value) == (
        f"data: expected shape [batch, *[1, 2, 3]], got {list(shape)}. "
        "Reshape it: x.reshape(-1, *(1, 2, 3))."
    )


@pytest.mark.parametrize("latent", [0, -1])
def test_fewer_than_one_latent_is_refused(latent):
    with pytest.raises(BadValue, match="latent: expected an integer of at least 1, got"):
        nelbo.VAE((6,), latent)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("latent", [True, 2.0, "2", None])
def test_a_latent_that_is_no_integer_is_refused(latent):
    with pytest.raises(BadType, match="latent: expected an integer, got"):
        nelbo.VAE((6,), latent)


@pytest.mark.parametrize("data_shape", [(), (0,), (1, -2)])
def test_an_empty_data_shape_is_refused(data_shape):
    with pytest.raises(BadValue, match="data_shape: expected at least one positive integer"):
        nelbo.VAE(data_shape, 2)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("axis", ["network", "likelihood", "posterior", "prior"])
@pytest.mark.parametrize("value", ["gaussian", "", nn.Linear(1, 1), nelbo.likelihoods.Gaussian])
def test_a_component_that_is_none_is_refused(axis, value):
    with pytest.raises(BadType, match=f"{axis}: expected a .*nelbo.registry.build"):
        nelbo.VAE((6,), 2, **{axis: value})


def test_under_autocast_densities_are_in_full_precision():
    """Networks may run in bfloat16; log-densities never do."""
    model, x = small(), torch.ones(5, 1, 2, 3)
    with torch.autocast("cpu", torch.bfloat16):
        assert model.encoder(x).dtype == torch.bfloat16
        terms = model.terms(x)
        assert {terms.log_px.dtype, terms.log_qz.dtype, terms.kl.dtype} == {torch.float32}


def test_names_in_checkpoints_are_stable():
    model = small(likelihood=nelbo.likelihoods.Gaussian(sigma="optimal"))
    layers = [
        f"{half}.{i}.{p}"
        for half in ("encoder", "decoder")
        for i in (1, 3)
        for p in ("weight", "bias")
    ]
    scale = ["likelihood.scale.variance", "likelihood.scale.batches"]
    assert sorted(model.state_dict()) == sorted(layers + scale)
    learned = small(likelihood=nelbo.likelihoods.Gaussian(sigma="learned")).state_dict()
    assert sorted(set(learned) - set(layers)) == ["likelihood.scale.rho"]
    assert sorted(
        small(likelihood=nelbo.likelihoods.Gaussian(variance=0.5)).state_dict()
    ) == sorted(layers)


def test_record_builds_a_twin_that_takes_the_weights():
    model = small(likelihood=nelbo.likelihoods.Gaussian(variance=0.3, link="logit"))
    record = json.loads(json.dumps(model.spec()))
    twin = nelbo.VAE.from_spec(record)
    assert twin.spec() == model.spec()
    assert (twin.data_shape, twin.latent) == (model.data_shape, model.latent)
    twin.load_state_dict(model.state_dict())
    x = torch.rand(5, 1, 2, 3)
    with seeded(0):
        expected = model.terms(x).log_w
    with seeded(0):
        assert torch.equal(twin.terms(x).log_w, expected)


def test_a_record_of_foreign_modules_asks_for_them():
    def network():
        return nelbo.networks.Modules(nn.Linear(4, 4), nn.Linear(2, 4))

    record = json.loads(json.dumps(nelbo.VAE((4,), 2, network=network()).spec()))
    with pytest.raises(BadValue) as caught:
        nelbo.VAE.from_spec(record)
    assert "'encoder': expected the object itself, got Linear" in str(caught.value)
    assert "pass network=nelbo.networks.Modules(...) again" in str(caught.value)
    twin = nelbo.VAE.from_spec(record, network=network())
    assert twin.terms(torch.ones(3, 4)).log_px.shape == (1, 3)


def test_a_model_can_be_copied_and_cast():
    model = copy.deepcopy(small(likelihood=nelbo.likelihoods.Gaussian(variance=0.3))).double()
    assert model.terms(torch.rand(5, 1, 2, 3).double()).log_w.dtype == torch.float64
    assert model.likelihood.implied_variance == pytest.approx(0.3, rel=1e-15)


@pytest.mark.parametrize("text", LIKELIHOODS)
def test_an_initialised_model_starts_at_the_mean_of_the_data(text):
    mean = torch.linspace(0.1, 0.9, 6).reshape(2, 3)
    mean = mean / mean.sum(-1, keepdim=True) if "one_hot" in text else mean
    model = nelbo.VAE((2, 3), 2, likelihood=registry.build("likelihood", text))
    model.initialise(mean)
    start = model.decode(torch.zeros(1, 1, 2)).mean[0, 0]
    torch.testing.assert_close(start, mean, rtol=1e-5, atol=1e-6)


def test_a_decoder_without_an_output_bias_is_left_as_it_is():
    decoder = torch.nn.Linear(2, 4, bias=False)
    own = nelbo.networks.Modules(torch.nn.Linear(4, 4), decoder)
    model, before = nelbo.VAE((4,), 2, network=own), decoder.weight.clone()
    model.initialise(torch.full((4,), 0.2))
    assert (decoder.weight == before).all()


def test_fit_tells_a_model_the_mean_of_covariates_and_gaps():
    x = torch.full((60, 4), 100.0)
    x[::3, 0] = float("nan")
    likelihood = nelbo.likelihoods.Gaussian(variance=1.0)
    model = nelbo.VAE(4, 2, likelihood=likelihood, missing=True)
    nelbo.fit(model, x, epochs=1, callbacks=[])
    assert model.inputs.filling.tolist() == [100.0] * 4
    rows = nelbo.data.beside(torch.zeros(60, 4), torch.arange(60) % 3)
    model = nelbo.VAE(4, 2, likelihood=nelbo.likelihoods.Gaussian(variance=1.0), covariates=3)
    nelbo.fit(model, rows, epochs=1, callbacks=[])
    torch.testing.assert_close(model.inputs.usual, torch.full((3,), 1 / 3))
