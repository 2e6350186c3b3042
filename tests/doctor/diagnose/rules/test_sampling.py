"""Samplers of another scale or centre, and without a gradient."""

import numpy as np
import pytest
import torch

from nelbo.doctor.diagnose import adapt, diagnose

WRONG = {
    "exp(logvar)": lambda mu, v: mu + torch.exp(v) * torch.randn_like(mu),
    "logvar": lambda mu, v: mu + v * torch.randn_like(mu),
    "1": lambda mu, v: mu + torch.randn_like(mu),
    "0": lambda mu, v: mu + 0 * v,
    "0.01 * exp(logvar / 2)": lambda mu, v: mu + 0.01 * torch.exp(v / 2) * torch.randn_like(mu),
    "another function of logvar": lambda mu, v: mu + (v**2 + 1) * torch.randn_like(mu),
}


@pytest.mark.parametrize("written", WRONG)
def test_samplers_of_another_scale(exact, healthy, codes, written):
    found = diagnose(healthy(sample=WRONG[written]), exact.x)
    assert codes(found)[0] == "sampling_scale"
    assert f"it is {written}" in found.findings[0].cause


def test_samplers_of_numpy(exact, codes):
    def make(power):
        return lambda mu, v: mu + np.exp(power * v) * np.random.randn(*mu.shape)

    def said(power):
        model = adapt(encode=exact.encode, decode=exact.decode, sample=make(power))
        return codes(diagnose(model, exact.x))

    assert said(0.5) == []
    assert said(1.0) == ["sampling_scale"]


@pytest.mark.parametrize(
    "sampler",
    [
        lambda mu, v: torch.normal(mu, torch.exp(v / 2)),  # its gradient is 0
        lambda mu, v: torch.distributions.Normal(mu, torch.exp(v / 2)).sample(),
    ],
)
def test_samplers_without_a_gradient(exact, healthy, codes, sampler):
    assert codes(diagnose(healthy(sample=sampler), exact.x))[0] == "sampling_detached"


def test_samplers_of_another_centre(exact, healthy, codes, sample):
    found = diagnose(healthy(sample=lambda mu, v: sample(mu + 0.1, v)), exact.x)
    assert codes(found) == ["sampling_centre"]
