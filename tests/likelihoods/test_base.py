"""What data a likelihood accepts, warns about and refuses."""

import pytest
import torch

from nelbo import registry
from nelbo.errors import BadType, BadValue, NelboWarning
from nelbo.likelihoods import Bernoulli, ContinuousBernoulli, Gaussian
from tests.references import LIKELIHOODS


@pytest.mark.parametrize(
    ("likelihood", "x", "inside"),
    [
        (Bernoulli(), [0.0, 1.0], True),
        (Bernoulli(), [0.0, 0.5], False),  # grey: computed, with a warning
        (ContinuousBernoulli(), [0.0, 0.5, 1.0], True),
        (Gaussian(), [-1e6, 0.0, 1e6], True),
    ],
)
def test_data_in_the_domain_is_accepted(likelihood, x, inside):
    assert likelihood.check(torch.tensor(x)) is inside


@pytest.mark.parametrize(
    ("likelihood", "x", "message"),
    [
        (
            Bernoulli(),
            [0.0, 255.0],
            r"data for Bernoulli: expected .*, got values from 0 to 255. Scale the data",
        ),
        (
            ContinuousBernoulli(),
            [-0.1, 1.0],
            r"expected values in \[0, 1\], got values from -0.1 to 1. Scale the data",
        ),
        (Gaussian(), [0.0, float("nan")], "expected finite values, got NaN in 50 % of the entries"),
        (Gaussian(), [0.0, float("-inf")], "data: expected finite values, got -inf"),
    ],
)
def test_data_outside_the_domain_is_refused(likelihood, x, message):
    with pytest.raises(BadValue, match=message):
        likelihood.check(torch.tensor(x))


def test_the_warning_names_the_alternative():
    with pytest.warns(NelboWarning, match="Use the likelihood 'continuous_bernoulli'"):
        Bernoulli().warn_outside_support()


@pytest.mark.parametrize("text", LIKELIHOODS)
def test_the_output_at_a_mean_has_that_mean(text):
    likelihood = registry.build("likelihood", text).double()
    mean = torch.tensor([0.01, 0.3, 0.5, 0.99], dtype=torch.float64)
    if likelihood.support.event_dim:  # one example is one category: means of it sum to 1
        mean = mean / mean.sum()
    output = likelihood.output_at(mean)
    # where no formula has the output it is found step by step
    torch.testing.assert_close(likelihood(output[None, None]).mean[0, 0], mean, rtol=1e-6, atol=0)


@pytest.mark.parametrize("text", LIKELIHOODS)
def test_the_output_is_finite_for_pixels_that_are_always_black_or_white(text):
    likelihood = registry.build("likelihood", text)
    assert likelihood.output_at(torch.tensor([0.0, 1.0])).isfinite().all()


def test_a_logit_link_refuses_what_its_means_cannot_reach():
    with pytest.raises(BadValue, match="link=logit: expected values in .*, got values from 0 to 2"):
        Gaussian(link="logit").check(torch.tensor([0.0, 2.0]))


@pytest.mark.usefixtures("unchecked")
def test_a_number_for_sigma_is_sent_to_the_variance():
    with pytest.raises(BadType, match=r"variance=0\.04"):
        Gaussian(sigma=0.2)
