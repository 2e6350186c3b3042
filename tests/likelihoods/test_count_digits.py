"""Counts that vary hardly more than a Poisson's or a binomial's: no digit is lost."""

import mpmath
import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy import stats

import nelbo
from nelbo.likelihoods import BetaBinomial, NegativeBinomial

EPS = np.finfo(np.float32).eps
GRID = [
    (m, theta, x)
    for m in (1e-6, 1.0, 300.0, 1e5)
    for theta in (1e-3, 0.7, 30.0, 1e4, 1e6, 1e8)
    for x in (0.0, 1.0, 7.0, 300.0, 1e5)
]


# log G(x + t) / (G(t) x!) + t log t/(t + m) + x log m/(t + m), and how large its parts are
def negative_binomial(log_m, log_t, x):
    m, t = mpmath.exp(log_m), mpmath.exp(log_t)
    ways = mpmath.loggamma(x + t) - mpmath.loggamma(t) - mpmath.loggamma(x + 1)
    return ways - t * mpmath.log1p(m / t) - x * mpmath.log1p(t / m)


def exactly(function, *arguments):
    with mpmath.workdps(60):
        return float(function(*(mpmath.mpf(a) for a in arguments)))


def negative_binomials(dtype):
    """The densities of the grid, their derivatives in (log m, log t), and what they should be."""
    m, theta, x = torch.tensor(GRID, dtype=torch.float64).T
    outputs = torch.stack([m.log(), theta.log()]).to(dtype)[None, None].requires_grad_()
    likelihood = NegativeBinomial(dispersion="predicted")
    got = likelihood(outputs).base_dist.log_prob(x.to(dtype))
    (slopes,) = torch.autograd.grad(got.sum(), outputs)
    rows = list(zip(*outputs[0, 0].tolist(), x.tolist(), strict=True))
    return got.detach()[0, 0].double().numpy(), slopes[0, 0].double().numpy(), rows


def test_negative_binomial_in_double_precision():
    got, slopes, rows = negative_binomials(torch.float64)
    assert_allclose(got, [exactly(negative_binomial, *row) for row in rows], rtol=1e-9)
    with mpmath.workdps(60):
        for (log_m, log_t, x), mine in zip(rows, slopes.T, strict=True):
            at = mpmath.mpf(log_m), mpmath.mpf(log_t)
            in_m = mpmath.diff(lambda a, t=at[1], x=x: negative_binomial(a, t, x), at[0])
            in_t = mpmath.diff(lambda t, a=at[0], x=x: negative_binomial(a, t, x), at[1])
            size = 1e-13 * (1.0 + x + float(mpmath.exp(at[0])))  # a few roundings of x and m
            assert_allclose(mine, [float(in_m), float(in_t)], rtol=1e-7, atol=size)


def test_negative_binomial_in_single_precision_is_right_to_a_few_roundings_of_its_terms():
    got, slopes, rows = negative_binomials(torch.float32)
    exact = np.array([exactly(negative_binomial, *row) for row in rows])
    log_m, log_t, x = np.array(rows).T
    logs = 1.0 + np.abs(log_m) + np.abs(log_t)
    terms = np.abs(exact) + (x + np.minimum(np.exp(log_m), np.exp(log_t))) * logs
    assert np.isfinite(slopes).all()
    assert (np.abs(got - exact) <= 8 * EPS * terms + 1e-7).all()
    few = (x <= 7) & (np.exp(log_m) <= 1)
    assert np.abs(got - exact)[few].max() < 1e-4


# the logarithms differ by ((x - m)^2 - x) / (2 theta), and less
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", ["negative_binomial", "zero_inflated_negative_binomial"])
def test_without_more_variance_it_is_a_poisson(name, dtype):
    likelihood = nelbo.registry.build("likelihood", name + ":dispersion=predicted")
    x = torch.arange(40, dtype=dtype)
    maps = likelihood.parameter_shape((40,))[0]
    outputs = torch.full((1, 1, maps, 40), 1.5, dtype=dtype)
    outputs[:, :, 1] = -30.0  # no zeros of another kind
    outputs[:, :, -1] = np.log(1e9)
    got = likelihood(outputs).base_dist.log_prob(x)[0, 0]
    expected = stats.poisson.logpmf(np.arange(40), np.exp(1.5))
    assert_allclose(got, expected, rtol=1e-5 if dtype == torch.float32 else 1e-6)


@pytest.mark.parametrize(("dtype", "rtol"), [(torch.float32, 1e-5), (torch.float64, 1e-9)])
@pytest.mark.parametrize("log_c", [-7.0, 0.0, 3.0, 9.0, 14.0, 18.0])
@pytest.mark.parametrize("logit", [-6.0, 0.4])
def test_beta_binomial_keeps_its_digits(logit, log_c, dtype, rtol):
    n = 50
    x = torch.arange(n + 1, dtype=dtype)
    outputs = torch.tensor([logit, log_c], dtype=dtype)[None, None, :, None]
    outputs = outputs.expand(1, 1, 2, n + 1).clone().requires_grad_()
    features = BetaBinomial(total=n)(outputs).base_dist
    got = features.log_prob(x)
    (slopes,) = torch.autograd.grad(got.sum(), outputs)

    def log_beta(a, b):
        return mpmath.loggamma(a) + mpmath.loggamma(b) - mpmath.loggamma(a + b)

    def log_mass(x, a, b):
        ways = mpmath.log(mpmath.binomial(n, x))
        return ways + log_beta(x + a, n - x + b) - log_beta(a, b)

    a, b = float(features.a.detach().flatten()[0]), float(features.b.detach().flatten()[0])
    expected = [exactly(log_mass, k, a, b) for k in range(n + 1)]
    terms = n * abs(np.log(a + b)) + 100.0
    assert_allclose(
        got.detach()[0, 0], expected, rtol=rtol, atol=8 * torch.finfo(dtype).eps * terms
    )
    assert bool(slopes.isfinite().all())


def test_equally_probable_trials_are_a_binomial():
    outputs = torch.tensor([0.4, 18.0]).reshape(1, 1, 2, 1).expand(1, 1, 2, 11)
    got = BetaBinomial(total=10)(outputs).base_dist.log_prob(torch.arange(11.0))[0, 0]
    expected = stats.binom.logpmf(np.arange(11), 10, 1 / (1 + np.exp(-0.4)))
    assert_allclose(got, expected, rtol=1e-5)
