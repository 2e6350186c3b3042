"""The audit on losses that are wrong to call: refused, found, never a traceback."""

import functools

import pytest
import torch

import nelbo
from nelbo.errors import BadValue
from tests.doctor.audit.cases.bad_losses import BAD_LOSSES

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


BAD = {case.id: case for case in BAD_LOSSES}


@functools.cache
def report_on(name):
    case = BAD[name]
    x = torch.rand(32, 49, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return nelbo.audit(case.loss, x.numpy() if case.arrays == "numpy" else x, 6, "prob")


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_audited_is_refused_in_one_line(name):
    with pytest.raises(BadValue, match=REFUSED[name]) as error:
        report_on(name)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", FOUND)
def test_bad_manners_are_found(name):
    assert FOUND[name] in [finding.code for finding in report_on(name).findings]


@pytest.mark.parametrize("name", BERNOULLI)
def test_a_bernoulli_is_one_in_any_scale_and_wrapping(name):
    report = report_on(name)
    assert report.reconstruction.family == "bce_prob"
    assert report.beta == pytest.approx(1.0, rel=1e-3)


@pytest.mark.parametrize("name", sorted(set(BAD) - set(REFUSED)))
def test_no_loss_ends_in_a_traceback_from_the_inside(name):
    assert isinstance(report_on(name), nelbo.doctor.Audit)
