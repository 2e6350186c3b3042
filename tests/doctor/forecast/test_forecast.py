"""The forecast: against scipy's generalised eigenvalues, its laws, what it says and refuses."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy import linalg, optimize

import nelbo
from nelbo.data import Examples
from nelbo.doctor import forecast, moments
from nelbo.doctor.forecast.result import verdict
from nelbo.errors import BadType, BadValue
from nelbo.likelihoods import Bernoulli, ContinuousBernoulli, Gaussian

LIKELIHOODS = [
    Gaussian(variance=392.0), Gaussian(sigma="learned"), Gaussian(sigma="optimal"),
    Bernoulli(), ContinuousBernoulli(),
]  # fmt: skip


def correlated(n=4000, seed=0):
    """Four features in (0, 1), the first two of them strongly correlated."""
    random = np.random.default_rng(seed)
    common = random.normal(size=(n, 1))
    logits = np.array([2.0, 1.5, 0.3, 0.0]) * common + random.normal(size=(n, 4)) - 0.5
    return (1 / (1 + np.exp(-logits))).astype(np.float32)


# log-partition functions in the decoder's output: l(x, eta) = A(eta) - x eta, so s = A' - x
def bernoulli(eta):
    return np.log1p(np.exp(eta))


def continuous_bernoulli(eta):
    return np.log(np.expm1(eta) / eta)


def gaussian(eta, variance=0.02):
    return 0.5 * variance * eta**2


def slope(partition, eta, h=1e-5):
    return (partition(eta + h) - partition(eta - h)) / (2 * h)


def curvature(partition, eta, h=1e-3):
    return (partition(eta + h) - 2 * partition(eta) + partition(eta - h)) / h**2


@pytest.mark.parametrize(
    ("likelihood", "partition"),
    [
        (Bernoulli(), bernoulli),
        (ContinuousBernoulli(), continuous_bernoulli),
        (Gaussian(variance=0.02), gaussian),
    ],
)
def test_it_is_the_largest_generalised_eigenvalue(likelihood, partition):
    """lambda_max(J, H) at the best constant eta: J = Cov(score), H = mean curvature of the loss.

    Found from the log-partition function alone: the root of its slope by Brent, H by differences
    (relative error h^2 = 1e-6).
    """
    x = correlated().astype(np.float64)
    best = [
        optimize.brentq(lambda eta, m=m: slope(partition, eta) - m, -60.123, 60.0)
        for m in x.mean(0)
    ]
    h = np.diag([curvature(partition, eta) for eta in best])
    expected = linalg.eigh(np.cov(x, rowvar=False, bias=True), h, eigvals_only=True)[::-1]
    found = forecast(correlated(), likelihood)
    assert_allclose(found.eigenvalues, expected, rtol=1e-5)
    assert found.margin == found.eigenvalues[0]


def test_the_evidence_of_a_linear_model_rises_where_the_margin_is_above_1():
    """N(m, s^2 I + e w w'), w the first eigenvector: its log-evidence rises with e if margin > 1.

    d/de E log N = (lambda_1 / s^2 - 1) / (2 s^2), from the Gaussian's density by numpy.
    """
    x = correlated().astype(np.float64)
    covariance = np.cov(x, rowvar=False, bias=True)
    first = np.linalg.eigh(covariance)[1][:, -1]

    def evidence(e, variance):
        model = variance * np.eye(4) + e * np.outer(first, first)
        inside = np.linalg.slogdet(model)[1] + np.trace(np.linalg.solve(model, covariance))
        return -0.5 * (inside + 4 * np.log(2 * np.pi))

    for variance in (0.01, 0.1, 0.5):
        e = 1e-6 * variance
        rise = (evidence(e, variance) - evidence(-e, variance)) / (2 * e)
        margin = forecast(correlated(), Gaussian(variance=variance)).margin
        assert_allclose(rise, (margin - 1) / (2 * variance), rtol=1e-5)


def test_a_learned_variance_is_the_data_s_own_mean_variance():
    x = correlated().astype(np.float64)
    expected = np.linalg.eigvalsh(np.cov(x, rowvar=False, bias=True))[-1] / x.var(0).mean()
    assert_allclose(forecast(correlated(), Gaussian(sigma="learned")).margin, expected, rtol=1e-6)


def test_whitened_data_can_not_be_learned():
    """Equal eigenvalues: no direction is worth a latent. Margin 1, to 1e-4."""
    x = np.random.default_rng(0).normal(size=(500, 5))
    white = linalg.solve_triangular(
        np.linalg.cholesky(np.cov(x, rowvar=False, bias=True)), (x - x.mean(0)).T, lower=True
    ).T
    assert_allclose(forecast(white, Gaussian(sigma="learned")).margin, 1.0, rtol=1e-4)


@pytest.mark.parametrize("beta", [0.01, 1.0, 40.0])
def test_beta_divides_the_margin_and_leaves_the_eigenvalues(beta):
    likelihood = Gaussian(variance=0.02)
    one, found = forecast(correlated(), likelihood), forecast(correlated(), likelihood, beta=beta)
    assert_allclose(found.margin, one.margin / beta, rtol=1e-12)
    assert found.eigenvalues == one.eigenvalues
    assert found.verdict == verdict(found.margin)
    assert_allclose(found.critical_variance, one.critical_variance / beta, rtol=1e-12)
    assert_allclose(found.critical_beta, one.critical_beta, rtol=1e-12)


@pytest.mark.parametrize("scale", [0.1, 7.0])
def test_a_scale_of_the_data_matters_to_a_stated_variance_only(scale):
    x = correlated()
    margins = [
        [forecast(a, likelihood).margin for a in (x, scale * x)]
        for likelihood in (Gaussian(variance=0.02), Gaussian(sigma="learned"))
    ]
    (before, after), learned = margins
    assert_allclose(after, scale**2 * before, rtol=1e-5)
    assert_allclose(*learned, rtol=1e-5)


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_the_order_of_features_and_repeated_examples_change_nothing(likelihood):
    x = correlated()
    moved = np.concatenate([x, x])[:, [2, 0, 3, 1]]
    found, same = forecast(x, likelihood), forecast(moved, likelihood)
    assert_allclose(same.eigenvalues, found.eigenvalues, rtol=1e-5)


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_constant_data_has_nothing_to_learn(likelihood):
    found = forecast(np.full((30, 3), 0.25, np.float32), likelihood)
    assert_allclose(found.eigenvalues, 0.0, atol=1e-12)
    assert (found.verdict, found.margin) == ("collapses", pytest.approx(0.0, abs=1e-12))


def test_black_pixels_count_for_nothing():
    """A pixel that is 0 throughout has V = 0: left out, not divided by."""
    x = correlated()
    black = np.concatenate([x, np.zeros_like(x)], axis=1)
    for likelihood in (Bernoulli(), ContinuousBernoulli()):
        found = forecast(black, likelihood).eigenvalues
        assert_allclose(found[:4], forecast(x, likelihood).eigenvalues, rtol=1e-6)
        assert_allclose(found[4:], 0.0, atol=1e-12)


@pytest.mark.parametrize("likelihood", [Bernoulli(), ContinuousBernoulli()])
def test_data_outside_the_domain_is_refused(likelihood):
    x = np.random.default_rng(0).normal(size=(50, 3))
    with pytest.raises(BadValue, match=r"expected values in \[0, 1\], got"):
        forecast(x, likelihood)
    with pytest.raises(BadValue):
        forecast(moments(Examples(x)), likelihood)


def test_bytes_are_scaled():
    x = np.random.default_rng(0).integers(0, 256, (200, 3), dtype=np.uint8)
    scaled = x.astype(np.float32) / 255
    assert forecast(x, Bernoulli()).margin == forecast(scaled, Bernoulli()).margin


@pytest.mark.parametrize("beta", [0.0, -1.0, float("nan")])
def test_a_beta_that_is_not_positive_is_refused(beta):
    with pytest.raises(BadValue, match="beta: expected a positive number, got"):
        forecast(correlated(), Bernoulli(), beta=beta)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("wrong", ["gaussian", Gaussian, 3])
def test_what_is_no_likelihood_is_refused(wrong):
    with pytest.raises(BadType, match="likelihood: expected a Likelihood, got"):
        forecast(correlated(), wrong)


def test_it_is_public():
    assert nelbo.forecast is forecast
    assert forecast(torch.rand(9, 2), Gaussian(variance=100.0)).verdict == "collapses"


def test_neither_and_both_are_refused():
    for given in ({}, {"likelihood": Bernoulli(), "loss": lambda x, y, mu, logvar: x.sum()}):
        with pytest.raises(BadType, match="expected either a likelihood or a loss"):
            forecast(correlated(), **given)


@pytest.mark.parametrize(
    ("margin", "expected"),
    [(0.79, "collapses"), (0.81, "marginal"), (1.24, "marginal"), (1.26, "learns")],
)
def test_near_1_nobody_can_tell(margin, expected):
    x = correlated()
    variance = forecast(x, Gaussian(variance=1.0)).critical_variance / margin
    assert forecast(x, Gaussian(variance=variance)).verdict == expected


def test_at_the_critical_numbers_the_margin_is_1():
    x = correlated()
    found = forecast(x, Gaussian(variance=0.3), beta=2.0)
    variance = found.critical_variance
    assert_allclose(forecast(x, Gaussian(variance=variance), beta=2.0).margin, 1.0, rtol=1e-12)
    at = forecast(x, Gaussian(variance=0.3), beta=found.critical_beta)
    assert_allclose(at.margin, 1.0, rtol=1e-12)


def test_a_critical_variance_needs_a_stated_one():
    for likelihood in (Bernoulli(), Gaussian(sigma="learned"), ContinuousBernoulli()):
        assert forecast(correlated(), likelihood).critical_variance is None


def test_the_text_has_the_caveat():
    said = str(forecast(correlated(), Gaussian(variance=0.02)))
    assert said.startswith("learns: margin 8.64 (largest eigenvalue over beta), 4 linear-equiv")
    assert "exact only for a linear Gaussian decoder" in said


def noted(x, likelihood):
    return " ".join(forecast(x, likelihood).notes)


def test_the_exceptions_are_noted():
    x = correlated()
    assert forecast(x, Gaussian(variance=1.0)).notes == ()
    assert "Grey values" in noted(x, Bernoulli())
    assert "Grey" not in noted(x.round(), Bernoulli())
    assert "Grey" not in noted(x, ContinuousBernoulli())
    assert "transient" in noted(x, Gaussian(sigma="learned"))
    assert "transient" in noted(x, Gaussian(sigma="optimal"))
    black = np.concatenate([x, np.zeros_like(x)], axis=1)
    assert "4 of 8 features are nearly constant" in noted(black, Bernoulli())
    assert noted(black, Gaussian(variance=1.0)) == ""


def test_few_examples_are_noted_with_the_number():
    """100 independent features of variance 1 from 100 examples: (1 + 1)^2 = 4-fold."""
    x = np.random.default_rng(0).normal(size=(100, 100)).astype(np.float32)
    found = forecast(x, Gaussian(variance=1.0))
    assert "100 examples are few for 100 features" in found.notes[0]
    assert "4-fold" in found.notes[0]
    assert 3.2 < found.margin < 4.2
