"""A component is part of one model; what has nothing of its own may be part of many."""

import copy
import pickle

import pytest
import torch

import nelbo
from nelbo import registry
from nelbo.errors import BadValue

WITH_WEIGHTS = [
    {"posterior": "planar:layers=2"},
    {"posterior": "vq:codes=4,dim=2", "prior": "uniform_codes"},
    {"posterior": "ladder:levels=(1,3)", "prior": "top_down:levels=(1,3)"},
    {"likelihood": "gaussian"},
    {"prior": "mixture"},
]


def parts(texts):
    return {axis: registry.build(axis, text) for axis, text in texts.items()}


@pytest.mark.parametrize("texts", WITH_WEIGHTS, ids=str)
def test_a_second_model_does_not_take_them(texts):
    taken = parts(texts)
    first = nelbo.VAE(4, 4, **taken)
    before = copy.deepcopy(first.state_dict())
    for axis, component in taken.items():
        others = {**parts(texts), axis: component}
        if not hasattr(component, "_owned"):
            continue
        with pytest.raises(BadValue, match="expected one that is part of no other model.*deepcopy"):
            nelbo.VAE(4, 4, **others)
    assert any(hasattr(component, "_owned") for component in taken.values())
    after = first.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())


@pytest.mark.parametrize("texts", WITH_WEIGHTS, ids=str)
def test_copies_are_new_ones(texts):
    model = nelbo.VAE(4, 4, **parts(texts))
    axes = {axis: getattr(model, axis) for axis in texts}
    nelbo.VAE(4, 4, **copy.deepcopy(axes))
    nelbo.VAE(4, 4, **pickle.loads(pickle.dumps(axes)))
    nelbo.VAE.from_spec(model.spec())
    copy.deepcopy(model).terms(torch.rand(6, 4).round())


def test_with_prior_takes_a_copy():
    prior = nelbo.priors.Mixture()
    first = nelbo.VAE(4, 2, prior=prior)
    twin = nelbo.VAE(4, 2).with_prior(prior)
    assert twin.prior is not prior
    assert first.prior is prior


def test_what_has_nothing_of_its_own_may_be_shared():
    network, posterior = nelbo.networks.MLP(hidden=(5,)), nelbo.posteriors.Diagonal()
    for likelihood in (nelbo.likelihoods.Bernoulli(), nelbo.likelihoods.Gaussian(variance=0.5)):
        for latent in (2, 3):
            nelbo.VAE(4, latent, network, likelihood, posterior)


def test_a_model_that_could_not_be_built_owns_nothing():
    posterior = registry.build("posterior", "ladder:levels=(1,3)")
    prior = registry.build("prior", "top_down:levels=(1,3)")
    with pytest.raises(BadValue, match="levels: expected sizes that sum to 5"):
        nelbo.VAE(4, 5, posterior=posterior, prior=prior)
    nelbo.VAE(4, 4, posterior=posterior, prior=prior)


def test_parts_of_a_component_are_nobody_elses_either():
    shared, Columns = nelbo.likelihoods.Gaussian(), nelbo.likelihoods.Columns
    nelbo.VAE(1, 2, likelihood=shared)
    with pytest.raises(BadValue, match="part of no other model"):
        nelbo.VAE(2, 2, likelihood=Columns((shared, nelbo.likelihoods.Gaussian())))
    again, stated = nelbo.likelihoods.Gaussian(), nelbo.likelihoods.Gaussian(variance=1.0)
    with pytest.raises(BadValue, match="parts: .* got one of them twice"):
        Columns((again, again))
    assert nelbo.VAE(2, 2, likelihood=Columns((stated, stated))).latent == 2


def test_components_of_copies_belong_to_the_copies():
    first = nelbo.VAE(4, 2, likelihood=nelbo.likelihoods.Gaussian())
    copies = [copy.deepcopy(first), pickle.loads(pickle.dumps(first))]
    copies.append(first.with_prior(nelbo.priors.Mixture()))
    for twin in copies:
        with pytest.raises(BadValue, match="part of no other model"):
            nelbo.VAE(4, 2, likelihood=twin.likelihood)
        nelbo.VAE(4, 2, likelihood=copy.deepcopy(twin.likelihood))


def test_a_network_of_other_maps_than_the_posteriors_is_refused():
    levels = ((2, 1, 1), (1, 2, 2))
    prior, posterior = nelbo.priors.TopDownMaps(levels), nelbo.posteriors.ResidualMaps(levels)
    network = nelbo.networks.ConvMaps(levels=((2, 1, 1),), channels=(4,))
    with pytest.raises(BadValue, match="levels of ConvMaps: expected those of the posterior"):
        nelbo.VAE((1, 8, 8), 6, network, posterior=posterior, prior=prior)
