"""The audit on real losses: every field, and every number to 2% (5% where the KL is sampled)."""

import functools
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

import nelbo
from nelbo.data import load
from nelbo.doctor.finding import RANK
from nelbo.errors import BadType, BadValue
from tests.doctor.audit.loss_cases import CASES as FIRST
from tests.doctor.audit.loss_cases import kl1, make_inputs, per_ex, sq
from tests.doctor.audit.loss_cases_more import CASES as MORE
from tests.doctor.audit.loss_cases_more import CONTESTABLE as MORE_CONTESTABLE
from tests.doctor.audit.loss_cases_third import CASES as THIRD
from tests.doctor.audit.loss_cases_third import CONTESTABLE as THIRD_CONTESTABLE
from tests.doctor.audit.numpy_cases import BAD_LOSSES, NUMPY_CASES

CASES = {c["id"]: c for c in FIRST + MORE + THIRD}
CONTESTABLE = MORE_CONTESTABLE | THIRD_CONTESTABLE


def answers(report):
    return {
        "family": report.reconstruction.family,
        "batch_reduction": report.reconstruction.batch,
        "feature_reduction": report.reconstruction.features,
        "recon_constant": report.reconstruction.constant,
        "implied_sigma2": report.sigma2,
        "implied_laplace_b": report.laplace_scale,
        "kl_batch_reduction": report.kl.batch,
        "kl_latent_reduction": report.kl.latents,
        "kl_constant": report.kl.constant,
        "kl_form": report.kl.form,
        "kl_coefficient_per_example": report.beta,
    }


def same(found, wanted, tolerance):
    if isinstance(found, str) or isinstance(wanted, str) or None in (found, wanted):
        return found == wanted
    return abs(found - wanted) <= tolerance * abs(wanted)


def wrong(report, case, contested=()):
    tolerance = 0.05 if case["truth"]["kl_form"] == "mc" else 0.02
    return {
        name: (found, case["truth"][name])
        for name, found in answers(report).items()
        if name not in contested and not same(found, case["truth"][name], tolerance)
    }


def data_of(case):
    return make_inputs(case)[0]


@functools.cache
def report_on(name):
    case = CASES[name]
    return nelbo.audit(case["loss"], data_of(case), case["n_latent"], case["recon_kind"])


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_real_loss(case):
    report = report_on(case["id"])
    assert wrong(report, case, CONTESTABLE.get(case["id"], {})) == {}


@pytest.mark.parametrize("case", NUMPY_CASES, ids=lambda case: case["id"])
def test_a_loss_of_numpy(case):
    x = data_of(case).numpy().astype(case["dtype"])
    report = nelbo.audit(case["loss"], x, case["n_latent"], case["recon_kind"])
    assert wrong(report, case) == {}


WRONG_MINIMA = {c["id"]: c for c in CASES.values() if c["truth"]["kl_var_argmin"] is not None}


@pytest.mark.parametrize("case", WRONG_MINIMA.values(), ids=WRONG_MINIMA)
def test_where_a_wrong_kl_is_smallest(case):
    report = report_on(case["id"])
    said = [
        f.evidence.get("logvar at the minimum") for f in report.findings if f.code == "kl_wrong"
    ]
    if report.kl.form == "wrong" and said != [None]:
        assert said[0] == pytest.approx(case["truth"]["kl_var_argmin"], abs=0.011)


THRESHOLDS = {c["id"]: c for c in CASES.values() if c["truth"]["kl_threshold"] is not None}


@pytest.mark.parametrize("case", THRESHOLDS.values(), ids=THRESHOLDS)
def test_the_threshold_of_free_bits_and_capacities(case):
    report = report_on(case["id"])
    said = next(f for f in report.findings if f.code == report.kl.form)
    wanted = case["truth"]["kl_threshold"]
    of_all = {wanted, wanted * case["n_latent"]}  # said per latent or per example
    found = said.evidence["threshold in nats"]
    assert min(abs(found / nats - 1) for nats in of_all) < 0.02


NOT_OK = {
    "y0ast-sizeaverage": "pixels_averaged",
    "dgp-flipped": "kl_flipped",
    "exp-squared-variance": "kl_wrong",
    "ethanluoyc-mean-mean": "pixels_averaged",
    "keras-2016-unscaled": "pixels_averaged",
    "double-sigmoid": "double_sigmoid",
    "lasagne-bytes": "data_outside_support",
    "seed-mean-squared-error": "pixels_averaged",
}


@pytest.mark.parametrize("case", FIRST, ids=lambda case: case["id"])
def test_what_would_not_fit_a_vae_says_so_first(case):
    report = report_on(case["id"])
    assert report.ok == (case["id"] not in NOT_OK)
    if not report.ok:
        assert report.findings[0].code == NOT_OK[case["id"]]
    assert [RANK[f.severity] for f in report.findings] == sorted(
        RANK[f.severity] for f in report.findings
    )
    assert all(f.cause and f.fix for f in report.findings)


FIRST_FOUND = {
    "bytes-over-255-mse": "pixels_averaged",
    "prior-of-mean-one": "kl_wrong",
    "kl-of-the-first-example": "kl_wrong",
    "kl-of-half-the-latents": "kl_wrong",
    "kl-of-the-mean-posterior": "kl_wrong",
    "kl-squared": "kl_wrong",
    "symmetrised-kl": "kl_wrong",
    "logvar-detached": "kl_partly_detached",
}


@pytest.mark.parametrize("case", THIRD, ids=lambda case: case["id"])
def test_what_a_detail_does_to_a_loss(case):
    report = report_on(case["id"])
    assert report.ok == (case["id"] not in FIRST_FOUND)
    if not report.ok:
        assert report.findings[0].code == FIRST_FOUND[case["id"]]


@pytest.mark.parametrize("name", ["bytes-over-255-bce", "tanh-data-to-logits", "smoothed-labels"])
def test_data_that_a_loss_rescales_is_judged_as_the_loss_sees_it(name):
    codes = {finding.code: finding for finding in report_on(name).findings}
    wanted = {
        "bytes-over-255-bce": (1 / 255, 0.0),
        "tanh-data-to-logits": (0.5, 0.5),
        "smoothed-labels": (0.9, 0.05),
    }[name]
    evidence = codes["data_rescaled"].evidence
    assert (evidence["scale"], evidence["shift"]) == pytest.approx(wanted)
    assert not {"data_outside_support", "range_mismatch"} & set(codes)


REFUSED = {
    "raises": "shapes do not match",
    "vector-of-batch": r"shape \[32\].*loss.mean",
    "elements": r"shape \[32, 49\]",
    "three-arguments": "takes 3 positional arguments but 4",
    "five-arguments": "missing 1 required positional argument",
    "none": "got None",
    "string": "one real number",
    "complex": "one real number",
    "boolean": "one real number",
}
FOUND = {
    "always-nan": "not_finite",
    "always-infinite": "not_finite",
    "nan-for-large-means": "kl_wrong",
    "python-float": "no_gradient",
    "no-grad": "no_gradient",
    "recon-detached": "reconstruction_detached",
    "ignores-recon": "reconstruction_absent",
    "ignores-latents": "kl_absent",
    "ignores-x": "data_ignored",
    "constant": "reconstruction_absent",
    "overwrites-recon": "changes_input",
    "np-overwrites-recon": "changes_input",
    "overwrites-logvar": "changes_input",
    "batch-in-view": "hard_coded_batch",
    "features-in-view": "hard_coded_features",
    "other-order": "linear_in_recon",
    "mu-logvar-swapped": "kl_wrong",
    "tuple": "container",
    "dict": "container",
    "random-recon": "sampled",
    "integer": "no_gradient",
}
BERNOULLI = [
    "nan-outside-the-unit-interval", "python-float", "no-grad", "tuple", "dict",
    "scaled-by-1e12", "scaled-by-1e-12", "large-offset",
]  # fmt: skip


def of_bad(case):
    x = torch.rand(32, 49, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return nelbo.audit(case.loss, x.numpy() if case.arrays == "numpy" else x, 6, "prob")


BAD = {case.id: case for case in BAD_LOSSES}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_audited_is_refused_in_one_line(name):
    with pytest.raises(BadValue, match=REFUSED[name]) as error:
        of_bad(BAD[name])
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", FOUND)
def test_bad_manners_are_found(name):
    assert FOUND[name] in [finding.code for finding in of_bad(BAD[name]).findings]


@pytest.mark.parametrize("name", BERNOULLI)
def test_a_bernoulli_is_one_in_any_scale_and_wrapping(name):
    report = of_bad(BAD[name])
    assert report.reconstruction.family == "bce_prob"
    assert report.beta == pytest.approx(1.0, rel=1e-3)


@pytest.mark.parametrize("name", set(BAD) - set(REFUSED))
def test_no_loss_ends_in_a_traceback_from_the_inside(name):
    assert isinstance(of_bad(BAD[name]), nelbo.doctor.Audit)


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
