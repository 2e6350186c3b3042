"""`evaluate`: what it takes, what it refuses, what it leaves untouched."""

import numpy as np
import pytest
import torch

import nelbo
from nelbo.errors import BadType, BadValue
from nelbo.evaluate import (
    ELBO,
    ActiveUnits,
    Estimate,
    Estimator,
    ImportanceBound,
    KLPerLatent,
    OutputDependence,
)

EVERY = (ELBO(), ImportanceBound(samples=3), ActiveUnits(), KLPerLatent(), OutputDependence())
NAMES = {
    "elbo": "nats per example",
    "reconstruction": "nats per example",
    "kl": "nats per example",
    "importance_bound": "nats per example",
    "effective_sample_size": "samples per example",
    "active_units": "of 2 latents",
    "kl_per_latent": "nats per example",
    "output_dependence": "of the variance",
    "explained_variance": "of the variance",
    "output_deviation": "units of the data",
    "squared_error": "squared units of the data per example",
    "total_variance": "squared units of the data per example",
}


@pytest.fixture
def model():
    torch.manual_seed(0)
    return nelbo.VAE((4,), 2, network=nelbo.networks.MLP(hidden=(5,)))


@pytest.fixture
def x():
    return np.random.default_rng(0).integers(0, 256, (30, 4), dtype=np.uint8)


def test_the_names_and_units_of_all_numbers(model, x):
    found = nelbo.evaluate(model, x, EVERY)
    assert {name: estimate.unit for name, estimate in found.items()} == NAMES
    assert all(name == estimate.name for name, estimate in found.items())
    assert {estimate.examples for estimate in found.values()} == {30}
    assert all(isinstance(estimate.value, float) for estimate in found.values())


def test_every_estimator_hangs_on_the_one_name():
    for estimator in (*map(type, EVERY), Estimate):
        assert getattr(nelbo.evaluate, estimator.__name__) is estimator


def test_bytes_are_scaled(model, x):
    assert nelbo.evaluate(model, x, EVERY) == nelbo.evaluate(
        model, x.astype(np.float32) / np.float32(255), EVERY
    )


def test_the_same_seed_gives_the_same_numbers(model, x):
    first = nelbo.evaluate(model, x, EVERY, seed=5)
    assert nelbo.evaluate(model, x, EVERY, seed=5) == first
    # each estimator begins at the seed: its neighbours do not matter
    assert nelbo.evaluate(model, x, EVERY[1:2], seed=5).items() <= first.items()
    assert nelbo.evaluate(model, x, EVERY, seed=6)["elbo"] != first["elbo"]


@pytest.mark.parametrize("training", [True, False])
def test_the_caller_keeps_generator_mode_and_gradients(model, x, training):
    model.train(training)
    model.encoder.eval()
    state, modes = torch.get_rng_state(), [m.training for m in model.modules()]
    nelbo.evaluate(model, x, EVERY)
    assert torch.equal(torch.get_rng_state(), state)
    assert [m.training for m in model.modules()] == modes
    assert torch.is_grad_enabled()
    assert all(p.grad is None for p in model.parameters())


def test_a_failure_leaves_them_untouched_too(model, x):
    state = torch.get_rng_state()
    with pytest.raises(BadValue, match="data: expected shape"):
        nelbo.evaluate(model, x[:, :3], EVERY)
    assert torch.equal(torch.get_rng_state(), state)
    assert model.training


def test_the_optimal_sigma_is_fixed_while_it_is_evaluated(x):
    """In training mode it would follow the test data, and the running mean would move."""
    likelihood = nelbo.likelihoods.Gaussian(sigma="optimal")
    model = nelbo.VAE((4,), 2, likelihood=likelihood)
    before = model.likelihood.implied_variance
    nelbo.evaluate(model, x, [ELBO()])
    assert model.likelihood.implied_variance == before


def test_a_model_that_is_no_module(foreign):
    found = nelbo.evaluate(foreign, torch.rand(30, 3), EVERY)
    assert set(found) == set(NAMES)


def test_an_estimator_of_ones_own(model, x):
    class Count(Estimator):
        def __call__(self, model, data):
            return (Estimate("count", float(data.size), "examples", 0.0, data.size),)

    assert nelbo.evaluate(model, x, [Count()])["count"].value == 30


@pytest.mark.parametrize("twice", [[ELBO(), ELBO(samples=2)], [ActiveUnits(), ActiveUnits()]])
def test_two_numbers_of_one_name_are_refused(model, x, twice):
    with pytest.raises(BadValue, match="estimators: expected one of a kind, got two that give"):
        nelbo.evaluate(model, x, twice)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("wrong", [[ELBO], ["elbo"], ELBO(), None, [ELBO(), None]])
def test_what_is_no_list_of_estimators_is_refused(model, x, wrong):
    with pytest.raises(BadType) as caught:
        nelbo.evaluate(model, x, wrong)
    assert "estimators: expected a list of estimators" in str(caught.value)
    assert "For example [nelbo.evaluate.ELBO()]." in str(caught.value)


def test_data_outside_the_domain_is_refused():
    model = nelbo.VAE(4, 2, likelihood=nelbo.likelihoods.ContinuousBernoulli())
    with pytest.raises(BadValue, match="got values from 200 to 200"):
        nelbo.evaluate(model, torch.full((40, 4), 200.0))
