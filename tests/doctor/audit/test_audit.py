"""The audit: laws of scale, what data a family does not have, what is refused."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

import nelbo
from nelbo.data import load
from nelbo.errors import BadType, BadValue
from tests.doctor.audit.cases.formulas import kl1, per_ex, sq


def mean_mse(x, r, m, v):
    return F.mse_loss(r, x) + kl1(m, v).sum(1).mean()


def summed(x, r, m, v):
    return per_ex(sq(x, r)).mean() + kl1(m, v).sum(1).mean()


def unit(*shape):
    return torch.rand(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_twice_the_pixels_twice_the_variance_of_an_average():
    assert nelbo.audit(mean_mse, unit(16, 40)).sigma2 == pytest.approx(20.0)
    assert nelbo.audit(mean_mse, unit(16, 80)).sigma2 == pytest.approx(40.0)
    assert nelbo.audit(summed, unit(16, 40)).sigma2 == pytest.approx(0.5)
    assert nelbo.audit(summed, unit(16, 80)).sigma2 == pytest.approx(0.5)


@settings(max_examples=12)
@given(st.floats(1e-3, 1e3), st.floats(-1e3, 1e3), st.floats(1e-2, 1e2))
def test_neither_a_factor_nor_a_constant_changes_what_a_loss_says(factor, constant, weight):
    def loss(x, r, m, v):
        return factor * (per_ex(sq(x, r)).mean() + weight * kl1(m, v).sum(1).mean()) + constant

    report = nelbo.audit(loss, unit(8, 12), latent=3)
    assert report.sigma2 == pytest.approx(weight / 2, rel=1e-4)
    assert report.reconstruction.constant == pytest.approx(factor, rel=1e-4)
    assert report.kl.constant == pytest.approx(factor * weight, rel=1e-4)


def bernoulli(x, r, m, v):
    p = r.clamp(1e-6, 1 - 1e-6)
    return per_ex(-x * p.log() - (1 - x) * (1 - p).log()).mean() + kl1(m, v).sum(1).mean()


@pytest.mark.parametrize(
    ("x", "code"),
    [
        (255 * unit(16, 20), "data_outside_support"),
        ((unit(16, 20) - 0.5) / 0.29, "data_outside_support"),
        (2 * unit(16, 20) - 1, "data_outside_support"),
        (unit(16, 20), "grey_values"),
    ],
)
def test_data_that_a_bernoulli_does_not_have(x, code):
    report = nelbo.audit(bernoulli, x, output="prob")
    assert code in [finding.code for finding in report.findings]
    assert report.ok == (code == "grey_values")
    assert (report.beta is None) == (code != "grey_values")


def test_a_loss_that_refuses_the_data_is_audited_all_the_same():
    def loss(x, r, m, v):
        return F.binary_cross_entropy(r, x, reduction="sum") + kl1(m, v).sum()

    report = nelbo.audit(loss, 255 * unit(16, 20), output="prob")
    assert report.reconstruction.family == "bce_prob"
    assert report.findings[0].code == "data_outside_support"
    assert not report.ok


def test_outputs_of_a_sigmoid_cannot_reach_data_from_minus_one():
    report = nelbo.audit(summed, 2 * unit(64, 5) - 1, output="prob")
    assert report.findings[0].code == "range_mismatch"
    assert not report.ok


def test_on_real_mnist_the_forecast_is_that_of_all_the_data():
    train = load("mnist").train
    x = train[:100].flatten(1)
    report = nelbo.audit(mean_mse, x, output="prob", data=train)
    assert report.forecast is not None
    assert f"{report.forecast.margin:.3g}" == "0.0131"
    assert report.findings[0].code == "pixels_averaged"
    assert "392" in report.findings[0].cause
    assert nelbo.audit(summed, x, output="prob", data=train).ok


def test_the_callers_generators_and_arrays_stay():
    x, before = unit(8, 12), torch.random.get_rng_state().clone()
    state = np.random.get_state()[1].copy()
    kept = x.clone()

    def loss(x, r, m, v):
        x *= 2
        z = m + torch.randn_like(m) * (0.5 * v).exp() + np.random.randn()
        return summed(x / 2, r, m, v) + 0 * z.sum()

    nelbo.audit(loss, x, latent=3)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert (np.random.get_state()[1] == state).all()
    assert torch.equal(x, kept)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"loss": 3}, BadType, "a function"),
        ({"x": "mnist"}, BadType, "array of numbers"),
        ({"x": torch.zeros(0, 3)}, BadValue, "shape"),
        ({"x": torch.zeros(3)}, BadValue, "shape"),
        ({"x": torch.tensor([[1.0, math.nan]])}, BadValue, r"nan at \[0, 1\]"),
        ({"latent": 0}, BadValue, "at least 1"),
        ({"output": "logit"}, BadValue, "Did you mean 'logits'"),
    ],
)
def test_bad_input_is_refused(arguments, error, words):
    with pytest.raises(error, match=words):
        nelbo.audit(**{"loss": summed, "x": unit(8, 4), **arguments})


def flat_inside(x, r, m, v):
    return ((r - x.flatten(1)) ** 2).sum(1).mean() + kl1(m, v).sum(1).mean()


def test_images_are_flattened_where_the_loss_wants_them_flat():
    report = nelbo.audit(flat_inside, unit(16, 1, 5, 8))
    assert report.sigma2 == pytest.approx(0.5)
    assert report.reconstruction.features == "sum"


def test_what_even_perfect_reconstructions_cannot_pay_for_is_foretold_for_any_loss():
    """R(mean) - R(x) = mean |x - mean x| over the features, at most 1/4 for uniform data."""

    def averaged(x, r, m, v):
        return (x - r).abs().mean() + kl1(m, v).sum(1).mean()

    x = unit(64, 30)
    report = nelbo.audit(averaged, x)
    assert not report.ok
    assert report.findings[0].code == "pixels_averaged"
    earned = report.findings[0].evidence["largest KL it can pay for, nats per example"]
    assert earned == pytest.approx(float((x - x.mean(0)).abs().mean()), rel=1e-6)


def test_a_wrong_formula_is_shown_in_units_of_the_kl():
    def loss(x, r, m, v):
        return summed(x, r, 0 * m, 0 * v) + 0.5 * (m**2 + (2 * v).exp() - v).sum(1).mean()

    finding = nelbo.audit(loss, unit(32, 20)).findings[0]
    assert finding.code == "kl_wrong"
    formula = finding.evidence["formula per latent, up to a factor"]
    assert formula == "0.5 mu^2 -0.5 logvar +0.5 exp(2 logvar)"
