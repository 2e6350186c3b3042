"""Information and gap against the closed forms of probabilistic PCA, and against quadrature."""

import math

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy import integrate, stats
from torch.distributions import Independent, MultivariateNormal, Normal

import nelbo
from nelbo.evaluate import MutualInformation
from nelbo.terms import Terms


def measure(model, x, **arguments):
    return nelbo.evaluate(model, x, [MutualInformation(**arguments)])


@pytest.fixture
def many(pca):
    """Enough draws of the model itself: there the aggregate posterior is the prior."""
    return pca.marginal.rvs(1500, random_state=0).astype(np.float32)


def test_the_information_of_probabilistic_pca(pca, many):
    """I(x; z) = -1/2 sum ln(s^2 / m_k): the prior's variance is 1, the posterior's s^2 / m_k."""
    found = measure(pca.model(), many, examples=1500)
    truth = -0.5 * np.log(pca.variance / pca.m).sum()
    information = found["mutual_information"]
    # its bias is that of a mixture of N: below (e^I - 1) / 2N = 0.001
    assert abs(information.value - truth) < 4 * information.standard_error + 0.002
    gap = found["aggregate_posterior_gap"]
    assert abs(gap.value) < 4 * gap.standard_error + 0.002
    assert 0 <= found["aggregate_posterior_bound"].value < 0.01


def test_a_posterior_that_is_moved_opens_the_gap(pca, many):
    """q(z) = N(1.5, 1 + (r - 1) s^2/m): KL to the prior in closed form, for gap and bound alike."""
    ratio = math.exp(0.7)
    found = measure(pca.model(shift=1.5, logvar_shift=0.7), many, examples=1500)
    v = 1 + (ratio - 1) * pca.variance / pca.m
    per_latent = 0.5 * (1.5**2 + v - 1 - np.log(v))
    bound = found["aggregate_posterior_bound"]
    assert_allclose(bound.parts, per_latent, rtol=0.1)
    assert abs(bound.value - per_latent.sum()) < 4 * bound.standard_error
    gap = found["aggregate_posterior_gap"]
    assert abs(gap.value - per_latent.sum()) < 4 * gap.standard_error + 0.005


def test_the_two_parts_add_up_to_the_kl(pca):
    found = nelbo.evaluate(pca.model(), pca.x, [MutualInformation(), nelbo.evaluate.KLPerLatent()])
    parts = found["mutual_information"].value + found["aggregate_posterior_gap"].value
    assert_allclose(parts, found["kl_per_latent"].value, rtol=1e-6)


def test_the_bound_by_hand(foreign):
    """Moments of q(z): mean of mu, variance of mu plus sigma^2."""
    x = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)
    mu = x.astype(np.float64) @ foreign.encode.numpy()
    m, v = mu.mean(0), mu.var(0) + foreign.sigma.numpy() ** 2
    found = measure(foreign, x)["aggregate_posterior_bound"]
    assert_allclose(found.parts, 0.5 * (m**2 + v - 1 - np.log(v)), rtol=1e-6)
    assert_allclose(found.value, sum(found.parts), rtol=1e-9)


class OneLatent:
    """Posteriors N(mu_n, 0.5^2) over one latent, for quadrature."""

    def __init__(self, sigma=0.5):
        self.sigma = sigma

    def terms(self, x, samples=1):
        q = Independent(Normal(x[:, :1].double(), self.sigma), 1)
        z = q.rsample((samples,))
        p = Independent(Normal(torch.zeros(1).double(), 1.0), 1)
        return Terms(x, z, Independent(Normal(z.expand(-1, -1, x.shape[1]), 1.0), 1), q, p)

    def reconstruct(self, x):
        return x


def test_against_quadrature():
    """I = (1/N) sum_n int q_n log(q_n / q): its Monte Carlo error is the reported one."""
    x = np.linspace(-1.5, 1.5, 7).astype(np.float32)[:, None]
    components = [stats.norm(mu, 0.5) for mu in x[:, 0].astype(np.float64)]

    def integrand(z):
        densities = np.array([c.pdf(z) for c in components])
        return float((densities * np.log(densities / densities.mean())).mean())

    truth = integrate.quad(integrand, -6, 6)[0]
    repeated = np.tile(x, (300, 1))  # the mixture stays the same
    found = measure(OneLatent(), repeated, examples=2100)["mutual_information"]
    assert abs(found.value - truth) < 4 * found.standard_error


def test_what_is_known_exactly_is_ln_n():
    x = np.arange(50, dtype=np.float32)[:, None] * 100
    found = measure(OneLatent(sigma=0.1), x)
    assert_allclose(found["mutual_information"].value, math.log(50), rtol=1e-9)


def test_only_the_first_examples_take_part_and_the_batch_does_not_matter(pca, many):
    few = measure(pca.model(), many[:64])
    same = measure(pca.model(), many, examples=64)
    for name, estimate in few.items():
        assert same[name].value == estimate.value
        assert estimate.examples == 64
    one = measure(OneLatent(sigma=1e-7), many[:64], batch=7)["mutual_information"]
    assert_allclose(one.value, math.log(64), rtol=1e-6)


def test_without_a_closed_form_there_is_no_bound():
    class Correlated(OneLatent):
        def terms(self, x, samples=1):
            q = MultivariateNormal(x[:, :2], torch.eye(2) + 0.5)
            z = q.rsample((samples,))
            p = MultivariateNormal(torch.zeros(2), torch.eye(2))
            return Terms(x, z, Independent(Normal(z, 1.0), 1), q, p)

    x = np.random.default_rng(0).normal(size=(40, 2)).astype(np.float32)
    assert set(measure(Correlated(), x)) == {"mutual_information", "aggregate_posterior_gap"}
