"""Mixtures as priors: learned Gaussians and posteriors of pseudo-inputs."""

import pytest
import torch
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

import nelbo
from nelbo import registry
from nelbo.distributions.gaussian_mixture import GaussianMixture
from nelbo.errors import BadValue
from nelbo.rng import seeded


def parts():
    with seeded(0):
        logits = torch.randn(4, dtype=torch.float64).requires_grad_()
        mean = torch.randn(4, 3, dtype=torch.float64).requires_grad_()
        sigma = torch.rand(4, 3, dtype=torch.float64).requires_grad_()
        z = torch.randn(2, 5, 3, dtype=torch.float64).requires_grad_()
    return z, logits, mean, sigma


def test_density_and_gradients_are_torchs():
    z, *given = parts()
    logits, mean, sigma = given
    theirs = MixtureSameFamily(Categorical(logits=logits), Independent(Normal(mean, sigma), 1))
    ours = GaussianMixture(*given)
    assert torch.allclose(ours.log_prob(z), theirs.log_prob(z))
    assert torch.allclose(ours.mean, theirs.mean)
    assert torch.allclose(ours.variance, theirs.variance)
    got = torch.autograd.grad(ours.log_prob(z).sum(), (z, *given))
    expected = torch.autograd.grad(theirs.log_prob(z).sum(), (z, *given))
    assert all(torch.allclose(a, b) for a, b in zip(got, expected, strict=True))


def test_nothing_as_large_as_samples_batch_components_latent_is_kept():
    kept = []
    z, *given = parts()
    with torch.autograd.graph.saved_tensors_hooks(
        lambda t: kept.append(t.numel()) or t, lambda t: t
    ):
        GaussianMixture(*given).log_prob(z)
    assert max(kept) <= 2 * 5 * 4


@pytest.mark.parametrize("posterior", ["diagonal", "full_covariance", "planar:layers=2"])
def test_vamp_prior_is_the_mean_of_the_pseudo_inputs_posteriors(posterior):
    with seeded(0):
        model = nelbo.VAE(
            4,
            latent=3,
            posterior=registry.build("posterior", posterior),
            prior=nelbo.priors.Vamp(components=6),
        ).double()
        z = torch.randn(2, 5, 3, dtype=torch.float64)
        q = model.encode(model.prior.inputs)
        each = torch.stack([q.log_prob(one.expand(6, 3)) for one in z.reshape(-1, 3)])
        expected = each.exp().mean(1).log().view(2, 5)
        assert torch.allclose(model.marginal().log_prob(z), expected)
        assert model.marginal().sample(torch.Size((7,))).shape == (7, 3)
        assert model.marginal().mean.shape == model.marginal().variance.shape == (3,)


def test_vamp_prior_starts_at_examples():
    prior = nelbo.priors.Vamp(components=5)
    nelbo.VAE(4, latent=2, prior=prior)
    x = torch.arange(12.0).view(3, 4)
    x[0, 0] = torch.nan
    before = prior.inputs[0, 0].item()
    with seeded(0):
        prior.start(x)
    expected = x[[0, 1, 2, 0, 1]]
    assert (prior.inputs[1:3] - expected[1:3]).abs().max() < 0.1
    assert prior.inputs[0, 0].item() == pytest.approx(before, abs=0.1)
    assert not torch.equal(prior.inputs[1], prior.inputs[4])


def test_vamp_prior_alone_says_whom_to_ask():
    with pytest.raises(BadValue, match="model.marginal"):
        nelbo.priors.Vamp(components=5)()


def test_components_of_a_mixture_begin_apart():
    prior = nelbo.priors.Mixture(components=3)
    prior.setup(2)
    assert len({tuple(row) for row in prior.mean.tolist()}) == 3


@pytest.mark.parametrize("name", ["mixture", "vamp"])
def test_a_mixture_of_nothing_is_refused(name):
    with pytest.raises(BadValue, match="at least 1"):
        registry.build("prior", f"{name}:components=0")
