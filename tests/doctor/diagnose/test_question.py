"""The three models of the question, trained by Chainer 5.0.0, diagnosed on MNIST's test set."""

from pathlib import Path

import numpy as np
import pytest

from nelbo.data import load
from nelbo.doctor.diagnose import adapt, diagnose

REFERENCE = Path(__file__).parents[2] / "reference" / "chainer-5.0.0"


def diagnosed(name):
    with np.load(REFERENCE / f"seed_vae_{name}.npz") as archive:
        weights = dict(archive)

    def linear(h, layer):
        return h @ weights[f"{layer}/W"].T + weights[f"{layer}/b"]

    def encode(x):
        h = np.tanh(linear(np.tanh(linear(x, "le1")), "le2"))
        return linear(h, "le3_mu"), linear(h, "le3_ln_var")

    def decode(z):
        h = np.tanh(linear(np.tanh(linear(z, "ld1")), "ld2"))
        return 1 / (1 + np.exp(-linear(h, "ld3")))

    x = load("mnist").test.spread(1000)[:].flatten(1)
    return diagnose(adapt(encode=encode, decode=decode), x)


@pytest.mark.parametrize(("name", "active"), [("bernoulli_nll", 19), ("sum_squared_error", 10)])
def test_the_two_that_learnt_are_healthy(name, active, codes):
    found = diagnosed(name)
    assert codes(found) == []
    assert found.measures["active_units"].value == active


def test_the_one_that_did_not_has_collapsed_by_the_mean_over_pixels(codes):
    found = diagnosed("mean_squared_error")
    assert codes(found) == ["collapsed"]
    (collapsed,) = found.findings
    assert "averaged over the 784 features (the mean over pixels)" in collapsed.cause
    assert "noise of variance 392" in collapsed.cause
    assert collapsed.evidence["active units"] == 0
