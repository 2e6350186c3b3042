"""The question where it was asked: its Chainer code, audited and diagnosed in Chainer 5.0.0."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.chainer.environment import (
    ROOT,
    VARIABLES,
    NoPackageIndex,
    index_reached,
    install,
    python,
)

SCRIPT = Path(__file__).with_name("doctor_in_chainer.py")
REFERENCE = ROOT / "tests" / "reference" / "chainer-5.0.0"
LOSSES = ["bernoulli_nll", "mean_squared_error", "sum_squared_error"]
AVERAGED = "mean_squared_error"
OTHERWISE = ("--dry-run", "--ignore-installed")


@pytest.fixture(scope="module", name="said")
def _said():
    if sys.version_info[:2] != (3, 11):
        pytest.skip("Chainer 5.0.0 with NumPy 1.23.5 is known to work on Python 3.11 alone")
    try:
        interpreter = python()
    except NoPackageIndex as error:
        pytest.skip(f"no package index to get Chainer 5.0.0 from: {str(error).splitlines()[-1]}")
    done = subprocess.run(
        [interpreter, "-I", SCRIPT, REFERENCE],
        env={**os.environ, **VARIABLES},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def codes(report):
    return [finding["code"] for finding in report["findings"]]


def test_the_environment_is_the_questions(said):
    assert said["chainer"] == "5.0.0"
    assert said["numpy"] == "1.23.5"
    assert Path(said["nelbo"]).is_relative_to(ROOT / "src")


@pytest.mark.parametrize("weights", ["fresh", "trained"])
@pytest.mark.parametrize(
    ("loss", "family", "beta"),
    [
        ("bernoulli_nll", "bce_logits", 1.0),
        ("mean_squared_error", "squared_error", 392.0),
        ("sum_squared_error", "squared_error", 0.5),
    ],
)
def test_the_audit_of_get_loss_func_finds_the_scale(said, loss, family, beta, weights):
    audit = said["losses"][loss]["audits"][weights]
    assert audit["family"] == family
    assert audit["batch"] == "mean"
    assert audit["beta"] == pytest.approx(beta, rel=0.05)
    sigma2 = None if loss == "bernoulli_nll" else pytest.approx(beta, rel=0.05)
    assert audit["sigma2"] == sigma2
    assert audit["ok"] == (loss != AVERAGED)
    assert ("pixels_averaged" in codes(audit)) == (loss == AVERAGED)


def test_the_averaged_loss_has_collapsed_and_the_audit_of_its_step_names_the_pixel_mean(said):
    found = said["losses"][AVERAGED]["diagnoses"]["with its step"]
    assert not found["ok"]
    assert codes(found)[:2] == ["pixels_averaged", "collapsed"]
    assert found["measures"]["active_units"] == 0
    cause = found["findings"][0]
    assert "averaged over 784 features" in cause["cause"]
    assert "noise of variance 392" in cause["cause"]
    assert "sum(1).mean()" in cause["fix"]


def test_without_its_step_the_pixel_mean_is_named_as_the_likeliest_cause(said):
    found = said["losses"][AVERAGED]["diagnoses"]["networks alone"]
    assert not found["ok"]
    assert codes(found)[0] == "collapsed"
    assert "squared error averaged over the 784 features" in found["findings"][0]["cause"]


@pytest.mark.parametrize("known", ["with its step", "networks alone"])
@pytest.mark.parametrize("loss", [loss for loss in LOSSES if loss != AVERAGED])
def test_the_other_two_are_healthy(said, loss, known):
    found = said["losses"][loss]["diagnoses"][known]
    assert found["ok"]
    assert [f for f in found["findings"] if f["severity"] == "error"] == []
    assert found["measures"]["active_units"] == {"bernoulli_nll": 19, "sum_squared_error": 10}[loss]
    assert found["measures"]["explained_variance"] > 0.5


def test_grey_values_under_the_bernoulli_are_the_only_warning(said):
    for loss in LOSSES:
        for found in said["losses"][loss]["diagnoses"].values():
            warned = {f["code"] for f in found["findings"] if f["severity"] == "warning"}
            assert warned <= ({"grey_values"} if loss == "bernoulli_nll" else set())


def test_a_machine_without_a_package_index_is_told_from_one_with(monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(NoPackageIndex, match="pip install .* chainer"):
        install(Path(sys.executable), *OTHERWISE, "chainer")


def test_any_other_failure_is_one():
    if not index_reached(Path(sys.executable)):
        pytest.skip("no package index to ask for a version that it does not have")
    with pytest.raises(RuntimeError, match="pip install .* chainer==5.0.0.1"):
        install(Path(sys.executable), *OTHERWISE, "chainer==5.0.0.1")
