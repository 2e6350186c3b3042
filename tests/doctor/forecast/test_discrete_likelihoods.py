"""The forecast of discrete likelihoods, against scores and curvatures by hand."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy import linalg, optimize, stats

from nelbo import registry
from nelbo.doctor import forecast


def counts(n=800, seed=0):
    """Four features that vary more than a Poisson, the first two of them together."""
    random = np.random.default_rng(seed)
    common = random.normal(size=(n, 1))
    rates = np.exp(np.array([0.8, 0.6, 0.1, 0.0]) * common + 0.7)
    return random.poisson(rates * random.gamma(2.0, 0.5, size=(n, 4))).astype(np.float32)


def in_units_of(x, variance):
    """The eigenvalues of V^-1/2 Cov(x) V^-1/2."""
    covariance = np.cov(x, rowvar=False, bias=True)
    return linalg.eigh(covariance, np.diag(variance), eigvals_only=True)[::-1]


def test_poisson_is_the_covariance_in_units_of_the_mean():
    x = counts().astype(np.float64)
    found = forecast(counts(), registry.build("likelihood", "poisson"))
    assert_allclose(found.eigenvalues, in_units_of(x, x.mean(0)), rtol=1e-5)


def log_nb(x, m, theta):
    return stats.nbinom.logpmf(x, theta, theta / (theta + m))


@pytest.mark.parametrize("dispersion", ["shared", "per_feature"])
def test_negative_binomial_has_the_variance_of_its_best_theta(dispersion):
    x = counts().astype(np.float64)
    m = x.mean(0)

    def best(columns):
        total = lambda t: -log_nb(x[:, columns], m[columns], np.exp(t)).sum()  # noqa: E731
        return np.exp(optimize.minimize_scalar(total, bracket=(-1, 2), tol=1e-10).x)

    each = [best([d]) for d in range(4)]
    theta = np.array(each if dispersion == "per_feature" else [best([0, 1, 2, 3])] * 4)
    likelihood = registry.build("likelihood", f"negative_binomial:dispersion={dispersion}")
    found = forecast(counts(), likelihood)
    assert_allclose(found.eigenvalues, in_units_of(x, m + m**2 / theta), rtol=1e-3)


def brute(x, likelihood, start):
    """The eigenvalues of (J, H) of one feature after another: scipy's optimum, torch's slopes."""
    scores, blocks = [], []
    for d in range(x.shape[1]):
        column = torch.tensor(x[:, d : d + 1], dtype=torch.float64)

        def loss(eta, column=column):
            outputs = eta.reshape(len(eta), *likelihood.parameter_shape((1,)))
            return -likelihood(outputs[None]).log_prob(column)[0]

        def mean(p, loss=loss):
            eta = torch.tensor(p, requires_grad=True)
            value = loss(eta.expand(len(x), -1)).mean()
            return value.item(), torch.autograd.grad(value, eta)[0].numpy()

        options = {"gtol": 1e-9}
        p = optimize.minimize(mean, start, jac=True, method="BFGS", options=options).x
        eta = torch.tensor(np.tile(p, (len(x), 1)), requires_grad=True)
        scores.append(torch.autograd.grad(loss(eta).sum(), eta)[0].numpy())
        one = torch.tensor(p)
        blocks.append(
            torch.autograd.functional.hessian(
                lambda e, loss=loss: loss(e.expand(len(x), -1)).mean(), one
            ).numpy()
        )
    j = np.cov(np.concatenate(scores, 1), rowvar=False, bias=True)
    h = linalg.block_diag(*blocks)
    values, vectors = np.linalg.eigh(h)
    seen = values > 1e-9 * values.max()
    white = vectors[:, seen] / np.sqrt(values[seen])
    return np.linalg.eigvalsh(white.T @ j @ white)[::-1]


def levels(count=4):
    x = counts()
    return (x.clip(max=count - 1) / (count - 1)).astype(np.float32)


CASES = [
    ("negative_binomial:dispersion=predicted", counts(), [0.5, 0.5]),
    ("zero_inflated_negative_binomial:dispersion=predicted", None, [1.0, -1.0, 1.0]),
    ("beta_binomial:total=3", np.rint(3 * levels()), [0.0, 0.5]),
    ("categorical:categories=4", levels(), [0.0] * 4),
    ("categorical:categories=4,coding=tokens", np.rint(3 * levels()), [0.0] * 4),
    ("discretized_logistic:levels=4", levels(), [0.5, -1.0]),
    ("discretized_logistic_mixture:components=1,levels=4", levels(), [0.0, 0.5, -1.0]),
]


def inflated(n=1500):
    random = np.random.default_rng(1)
    m = np.exp(1.5 + 0.3 * random.normal(size=(n, 1)))
    x = random.poisson(m * random.gamma(4.0, 0.25, size=(n, 3)))
    return (x * (random.random((n, 3)) > 0.35)).astype(np.float32)


@pytest.mark.parametrize(("text", "x", "start"), CASES)
def test_several_outputs_a_feature_by_brute_force(text, x, start):
    x = inflated() if x is None else x.astype(np.float32)
    likelihood = registry.build("likelihood", text).double()
    expected = brute(x, likelihood, start)
    found = forecast(x, registry.build("likelihood", text)).eigenvalues
    count = min(len(found), 4)
    assert_allclose(found[:count], expected[:count], rtol=5e-3)


def test_one_hot_rows_vary_together():
    """J = blocks of Cov(x), H = diag(p) - p p' of each row, by its pseudoinverse."""
    random = np.random.default_rng(0)
    first = random.integers(0, 3, 2000)
    second = np.where(random.random(2000) < 0.6, first, random.integers(0, 3, 2000))
    x = np.eye(3)[np.stack((first, second), 1)]
    p = x.mean(0)
    h = linalg.block_diag(*(np.diag(row) - np.outer(row, row) for row in p))
    j = np.cov(x.reshape(-1, 6), rowvar=False, bias=True)
    values, vectors = np.linalg.eigh(h)
    white = vectors[:, values > 1e-9] / np.sqrt(values[values > 1e-9])
    expected = np.linalg.eigvalsh(white.T @ j @ white)[::-1]
    found = forecast(x.astype(np.float32), registry.build("likelihood", "one_hot"))
    assert_allclose(found.eigenvalues[:4], expected, rtol=1e-3)
