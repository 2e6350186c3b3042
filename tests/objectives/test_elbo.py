"""The ELBO against the known evidence of probabilistic PCA, through `nelbo.VAE` itself."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy import stats

import nelbo
from nelbo.errors import BadValue
from nelbo.objectives import ELBO, Linear
from nelbo.rng import seeded

FEATURES, LATENT, VARIANCE = 5, 2, 0.3


class Pca:
    """x = W z + b + noise: evidence N(b, W W' + s^2 I), and a posterior that is diagonal here.

    Tipping & Bishop 1999: p(z|x) = N(M^-1 W'(x - b), s^2 M^-1), M = W'W + s^2 I; the columns of W
    are orthogonal, so that M is diagonal.
    """

    def __init__(self):
        random = np.random.default_rng(0)
        basis = np.linalg.qr(random.normal(size=(FEATURES, LATENT)))[0]
        self.w, self.b = basis * np.array([1.5, 0.6]), random.normal(size=FEATURES)
        self.covariance = self.w @ self.w.T + VARIANCE * np.eye(FEATURES)
        self.x = random.multivariate_normal(self.b, self.covariance, size=7)
        m = np.diag(self.w.T @ self.w) + VARIANCE
        self.encode, self.posterior_variance = (self.w / m).T, VARIANCE / m

    def log_evidence(self):
        return stats.multivariate_normal(self.b, self.covariance).logpdf(self.x)

    def model(self):
        """The linear VAE whose q(z|x) is the exact posterior."""
        model = nelbo.VAE(
            (FEATURES,),
            LATENT,
            network=nelbo.networks.MLP(hidden=()),
            likelihood=nelbo.likelihoods.Gaussian(variance=VARIANCE),
        ).double()
        logvar = np.log(self.posterior_variance)
        encoder = np.concatenate((self.encode, np.zeros((LATENT, FEATURES))))
        values = {
            "encoder.1.weight": encoder,
            "encoder.1.bias": np.concatenate((-self.encode @ self.b, logvar)),
            "decoder.1.weight": self.w,
            "decoder.1.bias": self.b,
        }
        model.load_state_dict({k: torch.from_numpy(v) for k, v in values.items()})
        return model


@pytest.fixture
def pca():
    return Pca()


def test_with_the_exact_posterior_every_weight_is_the_evidence(pca):
    """log p(x, z) - log q(z|x) = log p(x) for every z: no Monte Carlo error at all."""
    with seeded(0):
        log_w = pca.model().terms(torch.from_numpy(pca.x), samples=4).log_w.detach()
    assert_allclose(log_w, np.tile(pca.log_evidence(), (4, 1)), rtol=1e-10)


def expected_elbo(pca, model):
    """The ELBO with its expectation in closed form: E|x - Wz - b|^2 = |x - W mu - b|^2 + sum ..."""
    x = pca.x
    mu, logvar = (v.detach().numpy() for v in model.encoder(torch.from_numpy(x)).unbind(1))
    error = ((x - mu @ pca.w.T - pca.b) ** 2).sum(-1) + np.exp(logvar) @ (pca.w**2).sum(0)
    log_px = -error / (2 * VARIANCE) - FEATURES / 2 * np.log(2 * np.pi * VARIANCE)
    return log_px - 0.5 * (mu**2 + np.exp(logvar) - logvar - 1).sum(-1)


def test_with_the_exact_posterior_the_elbo_is_the_evidence(pca):
    assert_allclose(expected_elbo(pca, pca.model()), pca.log_evidence(), rtol=1e-10)


@pytest.mark.parametrize("wrong", [{}, {"encoder.1.bias": 0.3}, {"encoder.1.weight": -0.1}])
def test_the_elbo_is_an_unbiased_estimate_of_its_closed_form(pca, wrong):
    """The mean over 20000 draws within five standard errors, for each of the seven examples."""
    model, samples = pca.model(), 20_000
    for name, shift in wrong.items():
        model.get_parameter(name).data.add_(shift)
    with seeded(0), torch.no_grad():
        terms = model.terms(torch.from_numpy(pca.x), samples)
        got = ELBO()(terms).numpy()
    error = terms.log_px.std(0).numpy() / samples**0.5
    assert (np.abs(got - expected_elbo(pca, model)) < 5 * error + 1e-10).all()


@pytest.mark.parametrize("wrong", [{"encoder.1.bias": 0.3}, {"encoder.1.weight": -0.1}])
def test_a_wrong_posterior_loses_its_divergence_from_the_exact_one(pca, wrong):
    """log p(x) - ELBO = KL(q || p(z|x)) > 0, far more than five standard errors of the estimate."""
    model, samples = pca.model(), 20_000
    for name, shift in wrong.items():
        model.get_parameter(name).data.add_(shift)
    with seeded(0), torch.no_grad():
        terms = model.terms(torch.from_numpy(pca.x), samples)
    error = terms.log_px.std(0).numpy() / samples**0.5
    assert (ELBO()(terms).numpy() + 5 * error < pca.log_evidence()).all()


def test_beta_above_1_is_a_lower_bound_still_and_below_1_is_none(pca):
    with seeded(0), torch.no_grad():
        terms = pca.model().terms(torch.from_numpy(pca.x), 20_000)
    error = 5 * terms.log_px.std(0).numpy() / 20_000**0.5
    assert (ELBO(beta=2.0)(terms).numpy() + error < pca.log_evidence()).all()
    assert (ELBO(beta=0.5)(terms).numpy() - error > pca.log_evidence()).all()


def test_the_gradient_vanishes_at_the_exact_posterior(pca):
    """With the densities' own gradient (no closed KL) each sample's gradient in q is its score,
    whose mean is 0; through the closed form the mean over 20000 draws is 0 within five errors.
    """
    model, samples = pca.model(), 20_000
    x = torch.from_numpy(pca.x[:1])
    parameters = model.encoder(x).detach().requires_grad_()
    with seeded(0):
        q = model.posterior(parameters)
        noise = torch.randn(samples, 1, LATENT, dtype=torch.float64)
    z = q.mean + q.stddev * noise
    per_draw = model.decode(z).log_prob(x)[:, 0]
    pull = torch.autograd.grad(per_draw.sum(), z)[0][:, 0]
    draws = torch.cat((pull, pull * 0.5 * (q.stddev * noise).detach()[:, 0]), dim=-1)
    (kl_slope,) = torch.autograd.grad(
        nelbo.terms.kl_divergence(q.base_dist, model.prior().base_dist).sum(), parameters
    )
    error = draws.std(0) / samples**0.5
    assert bool(((draws.mean(0) - kl_slope.flatten()).abs() < 5 * error).all())


@pytest.mark.parametrize("beta", [-0.1, float("nan")])
def test_a_negative_beta_is_refused(beta):
    with pytest.raises(BadValue, match="beta: expected a number of at least 0"):
        ELBO(beta=beta)


def test_a_schedule_is_taken_at_a_step_first(pca):
    terms = pca.model().terms(torch.from_numpy(pca.x))
    with pytest.raises(BadValue, match=r"beta: expected a number, got a schedule\. .*at\(step\)"):
        ELBO(beta=Linear(10))(terms)


def test_beliefs():
    assert ELBO().belief == "ELBO, beta = 1"
    assert ELBO(beta=Linear(100)).belief == "ELBO, beta: linear:steps=100"
