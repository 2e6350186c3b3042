"""Outputs that cannot reach the data, sigmoids twice, grey values under a Bernoulli."""

import numpy as np
import pytest
import torch
from torch import nn

from nelbo.doctor.diagnose import adapt, diagnose
from nelbo.likelihoods import Bernoulli


def squashed(x):
    """Data in [0, 1] of the same dependence."""
    return (1 / (1 + np.exp(-x))).astype(np.float32)


@pytest.mark.parametrize(
    ("end", "data", "code"),
    [
        (torch.sigmoid, lambda x: squashed(x) * 255, "range_mismatch"),
        (torch.sigmoid, lambda x: x, "range_mismatch"),
        (torch.tanh, lambda x: 3 * x, "range_mismatch"),
        (torch.tanh, squashed, "range_mismatch"),
        (torch.relu, lambda x: x, "range_mismatch"),
        (lambda a: torch.sigmoid(torch.sigmoid(a)), squashed, "double_sigmoid"),
        (torch.sigmoid, squashed, None),
        (torch.tanh, lambda x: 2 * squashed(x) - 1, None),
        (lambda a: a, squashed, None),
    ],
)
def test_ranges(exact, pair, codes, end, data, code):
    encoder, decoder = pair
    found = diagnose(adapt(encode=encoder, decode=lambda z: end(decoder(z))), data(exact.x))
    said = [c for c in codes(found) if c in ("range_mismatch", "double_sigmoid")]
    assert said == ([] if code is None else [code])
    if code is not None:
        assert codes(found)[0] == code


def test_probabilities_called_logits(exact, pair, codes):
    encoder, decoder = pair
    model = adapt(encode=encoder, decode=lambda z: torch.sigmoid(decoder(z)), output="logits")
    assert codes(diagnose(model, squashed(exact.x)))[0] == "double_sigmoid"


def test_two_sigmoids_are_seen_in_numpy_too(exact, codes):
    def sigmoid(a):
        return 1 / (1 + np.exp(-a))

    model = adapt(encode=exact.encode, decode=lambda z: sigmoid(sigmoid(exact.decode(z))))
    assert codes(diagnose(model, squashed(3 * exact.x)))[0] == "double_sigmoid"


def test_a_collapse_onto_a_mean_between_a_half_and_sigmoid_1_is_no_double_sigmoid(exact, codes):
    x = (0.61 + 0.1 * (exact.x - exact.x.mean(0))).astype(np.float32)
    bias, silent = nn.Parameter(torch.full((8,), 0.61)), nn.Linear(3, 8, bias=False)
    nn.init.zeros_(silent.weight)
    for decode in (lambda z: silent(z) + bias, lambda z: np.full((len(z), 8), 0.61, np.float32)):
        encode = lambda x: (0 * x[:, :3], 0 * x[:, :3])  # noqa: E731
        assert codes(diagnose(adapt(encode=encode, decode=decode), x)) == ["collapsed"]


def test_grey_values_under_a_stated_bernoulli(exact, healthy, codes):
    found = diagnose(healthy(output="logits", likelihood=Bernoulli()), squashed(exact.x))
    assert "grey_values" in codes(found)
    binary = (exact.x > exact.x.mean(0)).astype(np.float32)
    found = diagnose(healthy(output="logits", likelihood=Bernoulli()), binary)
    assert "grey_values" not in codes(found)
