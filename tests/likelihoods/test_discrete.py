"""What the battery does not see: refusals, warnings, coupled channels, a fit of the dispersion."""

import itertools

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

import nelbo
from nelbo import registry
from nelbo.errors import BadValue, NelboWarning
from nelbo.likelihoods import Categorical, DiscretizedLogisticMixture, Gaussian, NegativeBinomial
from nelbo.rng import seeded


def test_values_between_the_levels_are_refused():
    assert Categorical().check(torch.arange(256)[None] / 255)
    with pytest.raises(BadValue, match="neither dequantised"):
        Categorical().check((torch.arange(255)[None] + 0.5) / 255)


def test_values_that_are_not_whole_are_no_counts():
    assert NegativeBinomial().check(torch.tensor([[0.0, 7.0]]))
    assert not NegativeBinomial().check(torch.tensor([[0.0, 7.5]]))
    with pytest.raises(BadValue, match="not negative"):
        NegativeBinomial().check(torch.tensor([[-1.0, 7.0]]))


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("beta_binomial:total=0", "positive integer"),
        ("categorical:categories=1", "at least 2"),
        ("categorical:coding=onehot", "one_hot"),
        ("discretized_logistic:scale=nothing", "known rule"),
        ("discretized_logistic_mixture:components=0", "positive integer"),
        ("negative_binomial:dispersion=gene", "per_feature"),
    ],
)
def test_bad_arguments_are_refused(text, match):
    with pytest.raises(BadValue, match=match):
        registry.build("likelihood", text)


def test_counts_under_a_gaussian_are_warned_about():
    likelihood = Gaussian()
    assert not likelihood.check(torch.tensor([[0.0, 3.0]]))
    for x in ([[0.0, 1.0]], [[0.5, 3.0]], [[-1.0, 3.0]]):
        assert likelihood.check(torch.tensor(x))
    with pytest.warns(NelboWarning, match="negative_binomial"):
        likelihood.warn_outside_support()


def coupled(scale):
    likelihood = DiscretizedLogisticMixture(components=2, levels=6).double()
    with seeded(0):
        outputs = scale * torch.randn(1, 1, *likelihood.parameter_shape((3, 1, 1))).double()
    maps = outputs[0, 0, 2:].reshape(3, 3, 2)
    maps[0] = 0.5 + 0.3 * maps[0]
    maps[1] -= 2.0
    return likelihood(outputs)


def all_pixels():
    every = itertools.product(np.arange(6) / 5, repeat=3)
    return torch.tensor(list(every), dtype=torch.float64).reshape(-1, 3, 1, 1)


def test_coupled_channels_have_total_mass_one_and_samples_of_it():
    px, x = coupled(1.0), all_pixels()
    mass = torch.stack([px.log_prob(row[None])[0, 0] for row in x]).exp()
    assert_allclose(mass.sum(), 1.0, rtol=1e-10)
    mean = (mass[:, None] * x.flatten(1)).sum(0)
    second = torch.einsum("n,ni,nj->ij", mass, x.flatten(1), x.flatten(1))
    with seeded(0):
        drawn = px.sample((40_000,)).reshape(-1, 3)
    assert_allclose(drawn.mean(0), mean, atol=5 * 0.5 / 200)
    assert_allclose(drawn.T @ drawn / len(drawn), second, atol=5 * 0.5 / 200)


def test_the_mean_of_coupled_channels_is_exact_in_red_and_near_in_the_others():
    px, x = coupled(0.3), all_pixels()
    mass = torch.stack([px.log_prob(row[None])[0, 0] for row in x]).exp()
    mean = (mass[:, None] * x.flatten(1)).sum(0)
    got = px.mean.flatten()
    assert_allclose(got[0], mean[0], rtol=1e-9)
    assert_allclose(got, mean, atol=0.02)  # a tenth of a level


def test_colour_images_train():
    likelihood = DiscretizedLogisticMixture(components=2)
    model = nelbo.VAE((3, 4, 4), latent=2, likelihood=likelihood)
    x = torch.randint(0, 256, (8, 3, 4, 4)) / 255
    model.initialise(x.mean(0))
    terms = model.terms(x)
    terms.log_px.sum().backward()
    assert terms.log_px.shape == (1, 8)
    assert_allclose(model.sample(2, seed=0).shape, (2, 3, 4, 4))


def test_the_dispersion_is_learned_for_each_feature():
    likelihood = NegativeBinomial()
    nelbo.VAE((5,), latent=1, likelihood=likelihood)
    assert likelihood.theta.rho.shape == (5,)
