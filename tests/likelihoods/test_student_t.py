"""Student's t: its degrees of freedom, its infinite variance, its robustness."""

import math

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy import optimize, stats

from nelbo.errors import BadValue
from nelbo.likelihoods import StudentT


@pytest.mark.parametrize("dof", [1.0, 0.5, -2.0, float("inf"), float("nan")])
def test_without_a_mean_it_is_refused(dof):
    with pytest.raises(BadValue, match="dof: expected a number above 1, got"):
        StudentT(dof=dof)


def test_what_is_not_stated_is_learned_and_starts_at_5_and_1():
    likelihood = StudentT().double()
    assert {name for name, _ in likelihood.named_parameters()} == {"degrees.rho", "noise.rho"}
    assert likelihood.degrees.number == pytest.approx(5.0, rel=1e-6)
    assert likelihood.noise.number == pytest.approx(1.0, rel=1e-6)
    assert likelihood.implied_variance == pytest.approx(5 / 3, rel=1e-6)
    assert "5 degrees of freedom (learned), scale 1 (learned)" in likelihood.belief


def test_learned_degrees_of_freedom_keep_a_variance():
    likelihood = StudentT().double()
    likelihood.degrees.rho.data.fill_(-20.0)
    assert likelihood.degrees.number > 2
    assert math.isfinite(likelihood.implied_variance)


def test_what_is_stated_has_nothing_to_learn_or_store():
    likelihood = StudentT(dof=3.0, scale=0.5)
    assert not list(likelihood.parameters())
    assert not likelihood.state_dict()


def test_an_infinite_variance_is_none_that_features_share():
    likelihood = StudentT(dof=1.5, scale=1.0)
    assert likelihood.implied_variance is None
    assert likelihood.noise_variance(torch.zeros(3)) is None
    px = likelihood(torch.zeros(1, 1, 3))
    assert bool(px.variance.isinf().all())
    assert bool(px.mean.isfinite().all())


def test_one_outlier_moves_the_best_location_by_a_bounded_amount():
    """Where the mean moves by 1e4 / 101, the best location hardly does: the score redescends."""
    x = np.append(np.random.default_rng(0).normal(size=100), 1e4)
    likelihood = StudentT(dof=3.0, scale=1.0).double()

    def loss(location):
        outputs = torch.full((1, len(x), 1), float(location), dtype=torch.float64)
        return -float(likelihood(outputs).log_prob(torch.from_numpy(x)[:, None]).sum())

    found = optimize.minimize_scalar(loss, bracket=(-1.0, 1.0)).x
    assert abs(found - np.median(x)) < 0.2
    assert x.mean() > 90


@pytest.mark.parametrize("dof", [1.5, 15.9, 40.0, 1e4, 1e6])
def test_float32_keeps_its_digits_at_any_degrees_of_freedom(dof):
    px = StudentT(dof=dof, scale=1.0)(torch.zeros(1, 1, 1))
    got = px.log_prob(torch.full((1, 1), 1.5))
    assert_allclose(float(got), stats.t.logpdf(1.5, dof), rtol=3e-6)
