"""The audit on real losses: every field, and every number to 2% (5% where the KL is sampled)."""

import functools

import pytest

import nelbo
from nelbo.doctor.finding import RANK
from tests.doctor.audit.cases import CONTESTABLE, DETAILS, FURTHER, PUBLISHED
from tests.doctor.audit.cases.inputs import make_inputs
from tests.doctor.audit.cases.numpy_losses import NUMPY_CASES

CASES = {c["id"]: c for c in PUBLISHED + FURTHER + DETAILS}


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


@pytest.mark.parametrize("case", PUBLISHED, ids=lambda case: case["id"])
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


@pytest.mark.parametrize("case", DETAILS, ids=lambda case: case["id"])
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
