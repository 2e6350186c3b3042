"""The Gaussian's arguments, links and beliefs; its density is in the batteries."""

import pytest
import torch

from nelbo.errors import BadValue
from nelbo.likelihoods import Gaussian


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"variance": 0.0}, "variance: expected a positive number, got 0"),
        ({"variance": -1.0}, "variance: expected a positive number"),
        ({"variance": float("inf")}, "variance: expected a positive number"),
        ({"variance": float("nan")}, "variance: expected a positive number"),
        ({"variance": 0.5, "sigma": "learned"}, "Gaussian: expected either variance or sigma"),
        ({"sigma": "optimum"}, "Did you mean 'optimal'?"),
        ({"sigma": "0.5"}, "A number is given as variance=..."),
        ({"link": "logits"}, "Did you mean 'logit'?"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(BadValue) as caught:
        Gaussian(**arguments)
    assert message in str(caught.value)


def test_with_neither_variance_nor_sigma_sigma_is_learned():
    assert [name for name, _ in Gaussian().named_parameters()] == ["scale.rho"]


@pytest.mark.parametrize(
    ("likelihood", "belief"),
    [
        (Gaussian(variance=392.0), "sigma^2 = 392 (stated)"),
        (Gaussian(sigma="learned"), "sigma^2 = 1 (learned)"),
        (Gaussian(sigma="optimal"), "sigma^2 = 1 (optimal)"),
    ],
)
def test_the_belief_says_sigma_squared_and_its_origin(likelihood, belief):
    assert belief in likelihood.belief


def test_the_sum_of_squared_errors_is_sigma_squared_one_half():
    """THEORY section 1: differences of log p are those of minus the summed squared error."""
    px = Gaussian(variance=0.5).double()(torch.zeros(1, 1, 784).double())
    a, b = torch.rand(2, 1, 784, dtype=torch.float64)
    difference = px.log_prob(a) - px.log_prob(b)
    torch.testing.assert_close(difference, ((b**2).sum(-1) - (a**2).sum(-1))[None])


def test_the_mean_of_squared_errors_is_sigma_squared_392_on_784_pixels():
    px = Gaussian(variance=392.0).double()(torch.zeros(1, 1, 784).double())
    a, b = torch.rand(2, 1, 784, dtype=torch.float64)
    difference = px.log_prob(a) - px.log_prob(b)
    torch.testing.assert_close(difference, ((b**2).mean(-1) - (a**2).mean(-1))[None])
