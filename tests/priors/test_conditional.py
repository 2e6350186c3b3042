"""p(z|y): of each example's covariates, in the KL, in samples, and in what it refuses."""

import pytest
import torch

import nelbo
from nelbo.data import beside
from nelbo.errors import BadValue
from nelbo.priors import Conditional
from nelbo.rng import seeded


@pytest.fixture
def model():
    with seeded(0):
        made = nelbo.VAE(
            4, 2, nelbo.networks.MLP(hidden=(6,)), prior=Conditional(hidden=(5,)), covariates=3
        )
        for parameter in made.prior.parameters():
            torch.nn.init.normal_(parameter, std=0.5)
    return made.double().eval()


@pytest.fixture
def rows():
    with seeded(1):
        return beside(torch.rand(7, 4).round(), torch.arange(7) % 3).double()


def test_the_kl_of_each_latent_is_that_of_each_examples_own_prior(model, rows):
    terms = model.terms(rows, samples=3)
    assert terms.p.batch_shape == (7,)
    out = model.prior.network(rows[:, 4:])
    mean, variance = out[:, :2], out[:, 2:].exp()
    q = terms.q
    expected = 0.5 * (
        (q.variance + (q.mean - mean) ** 2) / variance - 1 + variance.log() - q.variance.log()
    )
    torch.testing.assert_close(terms.kl, expected)
    assert terms.log_pz.shape == (3, 7)
    assert terms.log_w.shape == (3, 7)


def test_it_begins_as_the_standard_prior(rows):
    model = nelbo.VAE(4, 2, prior=Conditional(), covariates=3)
    p = model.marginal(rows[:, 4:].float())
    assert torch.equal(p.mean, torch.zeros(7, 2))
    assert torch.equal(p.variance, torch.ones(7, 2))


def test_samples_are_of_the_covariates_given_or_of_the_mean_ones(model):
    y = torch.eye(3, dtype=torch.float64)
    assert model.sample(3, seed=0, y=y).shape == (3, 4)
    assert model.marginal().batch_shape == ()
    assert model.sample(5, seed=0).shape == (5, 4)
    model.inputs.fill(torch.tensor([0.5, 0.5, 0.5, 0.5, 0.2, 0.3, 0.5]).double())
    usual = torch.tensor([[0.2, 0.3, 0.5]]).double()
    torch.testing.assert_close(model.marginal().mean, model.marginal(usual).mean[0])


def test_it_learns_where_the_classes_are():
    with seeded(2):
        labels = torch.randint(2, (400,))
        x = 0.3 * torch.randn(400, 2) + torch.where(labels == 1, 2.0, -2.0)[:, None]
        model = nelbo.VAE(
            2, 1, nelbo.networks.MLP(hidden=()), nelbo.likelihoods.Gaussian(variance=0.5),
            prior=Conditional(hidden=()), covariates=2,
        )  # fmt: skip
    nelbo.fit(model, beside(x, labels), epochs=20, batch=50, lr=0.02, callbacks=[])
    y = torch.eye(2).repeat_interleave(200, 0)
    made = model.sample(400, seed=0, y=y).mean(1)
    assert float(made[:200].mean()) == pytest.approx(-2, abs=0.5)
    assert float(made[200:].mean()) == pytest.approx(2, abs=0.5)


def test_a_model_without_covariates_is_refused():
    with pytest.raises(BadValue, match="prior conditional: expected a model with covariates"):
        nelbo.VAE(4, 2, prior=Conditional())


def test_without_the_model_there_is_none():
    prior = Conditional()
    prior.setup(2)
    with pytest.raises(BadValue, match=r"Ask the model: model\.marginal"):
        prior()


@pytest.mark.parametrize("hidden", [(0,), (3, -1)])
def test_sizes_are_checked(hidden):
    with pytest.raises(BadValue, match="hidden: expected an integer of at least 1"):
        Conditional(hidden=hidden)
