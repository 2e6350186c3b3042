"""The forecast of the other likelihoods: against J and H from their formulas, and closed forms."""

import math

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy import linalg, optimize, special

from nelbo.doctor import forecast
from nelbo.errors import BadValue
from nelbo.likelihoods import (
    Beta,
    Gaussian,
    Heteroscedastic,
    Laplace,
    Logistic,
    LogNormal,
    StudentT,
)
from nelbo.rng import seeded

D = 4


def correlated(n=1200, seed=0):
    """Four real features, the first two of them strongly correlated, of different sizes."""
    random = np.random.default_rng(seed)
    common = random.normal(size=(n, 1))
    x = np.array([2.0, 1.5, 0.3, 0.0]) * common + random.normal(size=(n, D))
    return (x * np.array([1.0, 0.5, 1.0, 2.0])).astype(np.float32)


def between(n=1200):
    return special.expit(correlated(n) - 0.5).astype(np.float32)


def above(n=1200):
    return np.exp(0.5 * correlated(n)).astype(np.float32)


# the losses -log p, one number an example and feature, of outputs [P * D] and numbers of their own
def logistic(x, eta, own):
    y = (x - eta) / own[0].exp()
    return y.abs() + 2 * torch.log1p(torch.exp(-y.abs())) + own[0]


def student(x, eta, own):
    nu, log_s = own[1].exp(), own[0]
    constant = torch.lgamma((nu + 1) / 2) - torch.lgamma(nu / 2) - 0.5 * torch.log(math.pi * nu)
    r2 = (x - eta) ** 2 * torch.exp(-2 * log_s)
    return (nu + 1) / 2 * torch.log1p(r2 / nu) - constant + log_s


def log_normal(x, eta, own):
    return 0.5 * (torch.log(x) - eta) ** 2 * torch.exp(-2 * own[0]) + own[0]


def gaussian(x, eta, own):
    return 0.5 * (x - eta) ** 2 * torch.exp(-2 * own) + own


def predicted(x, eta, own):
    mean, logvar = eta[..., :D], eta[..., D:]
    return 0.5 * ((x - mean) ** 2 * torch.exp(-logvar) + logvar)


def beta(x, eta, own):
    m, k = torch.sigmoid(eta[..., :D]), eta[..., D:].exp()
    a, b = m * k, (1 - m) * k
    gammas = torch.lgamma(a) + torch.lgamma(b) - torch.lgamma(k)
    return gammas - (a - 1) * torch.log(x) - (b - 1) * torch.log(1 - x)


def brute_force(loss, x, start, own):
    """Generalised eigenvalues of J and H at the best constant and the best own numbers."""
    x = torch.from_numpy(x.astype(np.float64))
    start, own = np.asarray(start, np.float64), np.asarray(own, np.float64)
    outputs = len(start)

    def mean_loss(p):
        return loss(x, p[:outputs], p[outputs:]).sum(1).mean()

    def value(p):
        p = torch.tensor(p, requires_grad=True)
        v = mean_loss(p)
        v.backward()
        return v.item(), p.grad.numpy()

    p = np.concatenate([start, own])
    best = optimize.minimize(value, p, jac=True, method="BFGS", options={"gtol": 1e-9}).x
    p = torch.tensor(best)
    eta, own = p[:outputs], p[outputs:]
    each = eta.expand(len(x), -1).clone().requires_grad_()
    (scores,) = torch.autograd.grad(loss(x, each, own).sum(), each)
    curvature = torch.autograd.functional.hessian(lambda e: loss(x, e, own).sum(1).mean(), eta)
    j = np.cov(scores.numpy(), rowvar=False, bias=True)
    return linalg.eigh(j, curvature.numpy(), eigvals_only=True)[::-1]


LOG_HALF, LOG_FIVE = math.log(0.5), math.log(5.0)


def stated(loss, *numbers):
    own = torch.tensor(numbers, dtype=torch.float64)
    return lambda x, eta, _: loss(x, eta, own)


MEAN = correlated().mean(0)
CASES = {
    "logistic, stated": (Logistic(scale=0.5), correlated(), stated(logistic, LOG_HALF), MEAN, []),
    "logistic, learned": (Logistic(), correlated(), logistic, MEAN, [0.0]),
    "student_t, stated": (
        StudentT(dof=5.0, scale=0.5),
        correlated(),
        stated(student, LOG_HALF, LOG_FIVE),
        MEAN,
        [],
    ),
    "student_t of an infinite variance": (
        StudentT(dof=1.5, scale=0.5),
        correlated(),
        stated(student, LOG_HALF, math.log(1.5)),
        MEAN,
        [],
    ),
    "student_t, learned scale": (
        StudentT(dof=5.0),
        correlated(),
        lambda x, eta, own: student(x, eta, (own[0], torch.tensor(LOG_FIVE).double())),
        MEAN,
        [0.0],
    ),
    "log_normal, stated": (LogNormal(scale=0.5), above(), stated(log_normal, LOG_HALF), MEAN, []),
    "log_normal, learned": (LogNormal(), above(), log_normal, MEAN, [0.0]),
    "per feature": (Gaussian(sigma="per_feature"), correlated(), gaussian, MEAN, np.zeros(D)),
    "heteroscedastic": (
        Heteroscedastic(beta=0.5),
        correlated(),
        predicted,
        np.concatenate([MEAN, np.zeros(D)]),
        [],
    ),
    "beta": (Beta(), between(), beta, np.zeros(2 * D), []),
}


@pytest.mark.parametrize("case", CASES)
def test_it_is_the_brute_force_s(case):
    likelihood, x, loss, start, own = CASES[case]
    expected = brute_force(loss, x, start, own)
    found = forecast(x, likelihood)
    assert_allclose(found.eigenvalues, expected, rtol=2e-3, atol=2e-3)
    assert_allclose(found.margin, expected[0], rtol=1e-3)
    assert not any("not found" in note or "left out" in note for note in found.notes)


def test_heavy_tailed_data_under_a_learned_student_t():
    """Of 5 degrees of freedom and scale 1/2: scale and nu are found, to what the data says."""
    random = np.random.default_rng(0)
    noise = 0.5 * random.standard_t(5, size=(4000, D))
    x = (noise + np.array([2.0, 1.0, 0.5, 0.0]) * random.normal(size=(4000, 1))).astype(np.float32)
    expected = brute_force(student, x, x.mean(0), [0.0, 1.5])
    assert_allclose(forecast(x, StudentT()).margin, expected[0], rtol=1e-3)


def test_one_sigma_a_feature_has_the_eigenvalues_of_the_correlations():
    x = correlated()
    expected = np.linalg.eigvalsh(np.corrcoef(x, rowvar=False))[::-1]
    found = forecast(x, Gaussian(sigma="per_feature"))
    assert_allclose(found.eigenvalues, expected, rtol=1e-5)
    assert found.critical_variance is None
    assert "learned" in " ".join(found.notes)


def test_the_size_of_a_feature_does_not_matter_to_one_sigma_a_feature():
    x, sizes = correlated(), np.array([0.1, 1.0, 10.0, 100.0], np.float32)
    margins = [forecast(a, Gaussian(sigma="per_feature")).margin for a in (x, sizes * x)]
    assert_allclose(*margins, rtol=1e-5)


def test_a_log_normal_is_a_gaussian_of_the_logarithm():
    x = above()
    expected = forecast(np.log(x), Gaussian(variance=0.25)).eigenvalues
    assert_allclose(forecast(x, LogNormal(scale=0.5)).eigenvalues, expected, rtol=1e-5)


def test_below_the_floor_a_learned_sigma_learns_nothing_more():
    """Data of deviation e^-8 under log sigma > -6: the floor is its noise."""
    with seeded(0):
        x = (math.exp(-8) * torch.randn(2000, 3)).numpy()
    floor = forecast(x, Gaussian(variance=math.exp(-12))).margin
    for sigma in ("learned", "per_feature", "optimal"):
        assert_allclose(forecast(x, Gaussian(sigma=sigma)).margin, floor, rtol=1e-9)


@pytest.mark.parametrize("likelihood", [Laplace(), Laplace(scale=0.3)])
def test_an_absolute_error_says_why_it_has_no_forecast(likelihood):
    with pytest.raises(BadValue, match="no curvature .* as an absolute error has none"):
        forecast(correlated(), likelihood)


@pytest.mark.parametrize(
    "likelihood", [Beta(), Heteroscedastic(), LogNormal(), StudentT(), Logistic(), Laplace()]
)
def test_constant_data_has_nothing_to_learn(likelihood):
    found = forecast(np.full((30, 3), 0.25, np.float32), likelihood)
    assert found.margin == 0
    assert found.verdict == "collapses"


@pytest.mark.parametrize("likelihood", [Beta(), LogNormal()])
def test_data_outside_is_refused_before_anything_is_solved(likelihood):
    with pytest.raises(BadValue, match="data for"):
        forecast(np.array([[0.0, 0.5], [0.3, 0.4]], np.float32), likelihood)
