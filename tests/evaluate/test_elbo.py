"""ELBO and its terms against closed forms."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from torch.distributions import Independent, MultivariateNormal, Normal

import nelbo
from nelbo.errors import BadValue
from nelbo.evaluate import ELBO
from nelbo.terms import Terms


def test_its_terms_add_up_and_the_kl_is_closed(pca):
    found = nelbo.evaluate(pca.model(), pca.x, [ELBO(samples=3)])
    assert_allclose(
        found["elbo"].value, found["reconstruction"].value - found["kl"].value, rtol=1e-12
    )
    gain, variance = (pca.w / pca.m).T, pca.variance / pca.m
    mu = (pca.x.astype(np.float64) - pca.b) @ gain.T
    kl = 0.5 * (mu**2 + variance - np.log(variance) - 1)
    assert_allclose(found["kl"].value, kl.sum(1).mean(), rtol=1e-10)
    assert_allclose(found["kl"].parts, kl.mean(0), rtol=1e-10)
    assert_allclose(found["kl"].standard_error, kl.sum(1).std(ddof=1) / 45**0.5, rtol=1e-10)
    assert found["kl"].samples is None
    assert found["elbo"].samples == 3


def test_with_a_point_like_posterior_it_is_its_closed_form(pca):
    """At q of variance e^-60 z is the mean of q to 1e-13: log p(x|z) by scipy, no Monte Carlo."""
    logvar_shift = -60.0 - np.log(pca.variance / pca.m)
    found = nelbo.evaluate(pca.model(0.0, logvar_shift), pca.x, [ELBO()])
    mu = (pca.x.astype(np.float64) - pca.b) @ (pca.w / pca.m)
    error = ((pca.x - mu @ pca.w.T - pca.b) ** 2).sum(1)
    expected = -error / (2 * pca.variance) - 3 * np.log(2 * np.pi * pca.variance)
    assert_allclose(found["reconstruction"].value, expected.mean(), rtol=1e-10)
    kl = 0.5 * (mu**2 + np.exp(-60.0) + 60.0 - 1).sum(1)
    assert_allclose(found["elbo"].value, (expected - kl).mean(), rtol=1e-10)
    assert_allclose(found["elbo"].standard_error, (expected - kl).std(ddof=1) / 45**0.5, rtol=1e-10)


@pytest.mark.parametrize("moved", [(0.0, 0.0), (0.5, 0.4), (-0.2, -0.6)])
def test_it_is_the_evidence_less_the_divergence_from_the_exact_posterior(pca, moved):
    """One example 20000 times over, so that the standard error is that of the draws alone."""
    x = np.repeat(pca.x[:1], 20_000, axis=0)
    elbo = nelbo.evaluate(pca.model(*moved), x, [ELBO(batch=5000)])["elbo"]
    expected = pca.log_evidence(pca.x[:1])[0] - pca.divergence(*moved)
    assert abs(elbo.value - expected) < 5 * elbo.standard_error


class OpenKl:
    """A posterior that is not a product over the latents: no closed form per latent."""

    def terms(self, x, samples=1):
        q = MultivariateNormal(torch.ones(len(x), 2), torch.eye(2))
        p = Independent(Normal(torch.zeros(2), torch.ones(2)), 1)
        z = q.sample((samples,))
        px = Independent(Normal(torch.zeros(samples, *x.shape), 1.0), 1)
        return Terms(x, z, px, q, p)

    def reconstruct(self, x):
        return x


def test_without_a_closed_kl_it_is_estimated():
    """KL(N(1, I) || N(0, I)) = |1|^2 / 2 = 1 of two latents."""
    kl = nelbo.evaluate(OpenKl(), torch.zeros(4000, 3), [ELBO(samples=50)])["kl"]
    assert abs(kl.value - 1.0) < 5 * kl.standard_error
    assert (kl.samples, kl.parts) == (50, ())


def test_base_measures(pca, foreign):
    found = nelbo.evaluate(pca.model(), pca.x, [ELBO()])
    measures = {name: estimate.base_measure for name, estimate in found.items()}
    assert measures == {
        "elbo": "density on R^D",
        "reconstruction": "density on R^D",
        "kl": None,
    }
    assert nelbo.evaluate(foreign, torch.ones(4, 3), [ELBO()])["elbo"].base_measure is None


@pytest.mark.parametrize("name", ["samples", "batch"])
def test_counts_below_1_are_refused(name):
    with pytest.raises(BadValue, match=f"{name}: expected an integer of at least 1, got 0"):
        ELBO(**{name: 0})
