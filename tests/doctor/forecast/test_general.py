"""The general path: against the closed form, and against scores and curvatures by hand."""

import contextlib
import sys

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy import linalg, optimize, stats
from torch import nn
from torch.distributions import Independent, Laplace, Normal, StudentT, constraints

from nelbo import registry
from nelbo.data import Examples
from nelbo.doctor import forecast, moments
from nelbo.doctor.forecast.likelihood import is_exponential, solve_likelihood
from nelbo.errors import BadValue
from nelbo.likelihoods import Bernoulli, ContinuousBernoulli, Gaussian, Likelihood

EXPONENTIAL = [
    Gaussian(variance=0.02),
    Gaussian(variance=0.02, link="logit"),
    Bernoulli(),
    ContinuousBernoulli(),
]


class _Real(Likelihood):
    """A likelihood of real values that knows no more than it has to."""

    support = domain = constraints.real
    base_measure = "density on R^D"
    requirement = advice = belief = "values"

    def noise_variance(self, mean):
        return torch.ones_like(mean)

    def output_at(self, mean):
        return mean


class Student(_Real):
    def __init__(self, scale=0.3, learned=False):
        super().__init__()
        rho = torch.tensor(float(np.log(scale)))
        self.rho = nn.Parameter(rho) if learned else rho

    def forward(self, parameters):
        features = StudentT(5.0, parameters, self.rho.exp(), validate_args=False)
        return Independent(features, parameters.dim() - 2, validate_args=False)


class Absolute(_Real):
    def forward(self, parameters):
        features = Laplace(parameters, 0.5, validate_args=False)
        return Independent(features, parameters.dim() - 2, validate_args=False)


class Predicted(_Real):
    """Mean and logarithm of the variance, behind each other (axis 0) or beside (axis -1)."""

    def __init__(self, axis):
        super().__init__()
        self.axis = axis

    def parameter_shape(self, data_shape):
        if self.axis == 0:
            return (2 * data_shape[0], *data_shape[1:])
        return (*data_shape, 2)

    def output_at(self, mean):
        parts = (mean, torch.zeros_like(mean))
        return torch.cat(parts) if self.axis == 0 else torch.stack(parts, -1)

    def forward(self, parameters):
        if self.axis == 0:
            mean, logvar = parameters.chunk(2, dim=2)
        else:
            mean, logvar = parameters.unbind(-1)
        features = Normal(mean, (logvar / 2).exp(), validate_args=False)
        return Independent(features, mean.dim() - 2, validate_args=False)


def correlated(n=1500, seed=0):
    """Four features in (0, 1), the first two of them strongly correlated."""
    random = np.random.default_rng(seed)
    common = random.normal(size=(n, 1))
    logits = np.array([2.0, 1.5, 0.3, 0.0]) * common + random.normal(size=(n, 4)) - 0.5
    return (1 / (1 + np.exp(-logits))).astype(np.float32)


def generalised(scores, curvature):
    """The generalised eigenvalues of Cov(scores) and a curvature, descending, by scipy."""
    return linalg.eigh(np.cov(scores, rowvar=False, bias=True), curvature, eigvals_only=True)[::-1]


@pytest.mark.parametrize("likelihood", EXPONENTIAL)
def test_it_is_the_closed_form_where_there_is_one(likelihood):
    x = correlated()
    found = moments(Examples(x))
    assert is_exponential(likelihood, found, (4,))
    solved = solve_likelihood(likelihood, found, torch.zeros(4, dtype=torch.bool))
    assert_allclose(solved.found.values, forecast(x, likelihood).eigenvalues, rtol=1e-5)


@pytest.mark.parametrize("likelihood", [Student(), Student(learned=True), Absolute(), Predicted(0)])
def test_it_is_taken_where_there_is_none(likelihood):
    assert not is_exponential(likelihood, moments(Examples(correlated())), (4,))


@pytest.mark.parametrize("name", registry.names("likelihood"))
def test_every_likelihood_of_the_registry_has_a_forecast(name):
    """Or says why not."""
    levels = np.random.default_rng(0).integers(0, 256, (300, 4), dtype=np.uint8)
    with contextlib.suppress(BadValue):
        likelihood = registry.build("likelihood", name)
        found = forecast(levels, likelihood)
        assert found.margin >= 0
        assert np.isfinite(found.eigenvalues).all()


# l = (nu + 1)/2 log(1 + r^2 / (nu b^2)),  r = x - eta                     Student's t by hand
def student_scores(r, b, nu=5.0):
    return -(nu + 1) * r / (nu * b**2 + r**2)


def student_curvature(r, b, nu=5.0):
    return (nu + 1) * (nu * b**2 - r**2) / (nu * b**2 + r**2) ** 2


def test_student_by_hand():
    x, b = correlated().astype(np.float64), 0.3
    best = [
        optimize.minimize_scalar(
            lambda eta, c=c: -stats.t.logpdf(c, 5, eta, b).mean(), bracket=(c.min(), c.max())
        ).x
        for c in x.T
    ]
    r = x - best
    expected = generalised(student_scores(r, b), np.diag(student_curvature(r, b).mean(0)))
    assert_allclose(forecast(correlated(), Student(b)).eigenvalues, expected, rtol=1e-4)


def test_a_learned_scale_is_taken_at_its_best():
    """Five numbers at once, by scipy: four locations and log b."""
    x = correlated().astype(np.float64)

    def loss(p):
        return -stats.t.logpdf(x, 5, p[:4], np.exp(p[4])).sum(1).mean()

    best = optimize.minimize(loss, [*x.mean(0), -1.0], method="BFGS", options={"gtol": 1e-7}).x
    r, b = x - best[:4], np.exp(best[4])
    expected = generalised(student_scores(r, b), np.diag(student_curvature(r, b).mean(0)))
    likelihood = Student(3.0, learned=True)
    found = forecast(correlated(), likelihood)
    assert_allclose(found.eigenvalues, expected, rtol=1e-3)
    assert "learned" in " ".join(found.notes)
    assert float(likelihood.rho.detach()) == pytest.approx(np.log(3.0))  # the user's own is left


@pytest.mark.parametrize(("axis", "shape"), [(0, (2, 2)), (-1, (4,)), (-1, (2, 2))])
def test_a_predicted_variance_by_hand(axis, shape):
    """s = ((m - x) / v, (1 - (x - m)^2 / v) / 2), H = diag(1 / v, 1 / 2) at m, v of the data."""
    x = correlated().astype(np.float64)
    m, v = x.mean(0), x.var(0)
    scores = np.concatenate([(m - x) / v, (1 - (x - m) ** 2 / v) / 2], axis=1)
    expected = generalised(scores, np.diag([*1 / v, *np.full(4, 0.5)]))
    found = forecast(correlated().reshape(-1, *shape), Predicted(axis))
    assert_allclose(found.eigenvalues, expected, rtol=1e-4)


def test_what_is_not_smooth_is_refused():
    with pytest.raises(BadValue, match="no curvature in 4 of 4 features"):
        forecast(correlated(), Absolute())


def test_wide_data_takes_the_gram_matrix_or_passes(monkeypatch):
    x = correlated()
    expected = forecast(x, Student()).eigenvalues
    module = sys.modules["nelbo.doctor.forecast.general"]
    monkeypatch.setattr(module, "LARGEST_COVARIANCE", 3)
    assert_allclose(forecast(x, Student()).eigenvalues[:4], expected, rtol=1e-5)
    monkeypatch.setattr(module, "LARGEST_GRAM", 3)
    found = forecast(x, Student())
    assert_allclose(found.eigenvalues, expected, rtol=1e-5)
    assert "passes" in " ".join(found.notes)


def test_the_callers_generator_stays():
    torch.manual_seed(5)
    state = torch.get_rng_state()
    forecast(correlated(), Student(learned=True))
    assert torch.equal(torch.get_rng_state(), state)
