"""The Gaussian's arguments, links and beliefs; its density is in the batteries."""

import numpy as np
import pytest
import torch
from scipy import stats

from nelbo import VAE
from nelbo.errors import BadValue
from nelbo.likelihoods import Gaussian
from nelbo.rng import seeded


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


def of_three_features():
    """A Gaussian of one sigma a feature that has met the sizes 0.1, 1 and 10."""
    with seeded(0):
        x = torch.randn(500, 3, dtype=torch.float64) * torch.tensor([0.1, 1.0, 10.0]).double()
    likelihood = Gaussian(sigma="per_feature")
    likelihood.setup((3,))
    likelihood.double()
    search = torch.optim.LBFGS(likelihood.parameters(), max_iter=200, line_search_fn="strong_wolfe")

    def loss():
        search.zero_grad()
        value = -likelihood(torch.zeros(1, 500, 3).double()).log_prob(x).mean()
        value.backward()
        return value

    search.step(loss)
    return likelihood.eval(), x


def test_one_sigma_a_feature_goes_to_each_features_own():
    likelihood, x = of_three_features()
    variance = (x**2).mean(0)
    torch.testing.assert_close(likelihood.noise_variance(x[0]), variance, rtol=1e-4, atol=0)
    px = likelihood(torch.zeros(1, 1, 3).double())
    torch.testing.assert_close(px.variance[0, 0].detach(), variance, rtol=1e-4, atol=0)
    expected = stats.norm.logpdf(x.numpy(), 0, likelihood.scale().detach().numpy()).sum(1)
    np.testing.assert_allclose(px.log_prob(x)[0].detach(), expected, rtol=1e-10)


def test_different_sigmas_have_no_variance_in_common():
    likelihood, _ = of_three_features()
    assert likelihood.implied_variance is None
    assert "sigma^2 from 0.0" in likelihood.belief
    assert "(per_feature)" in likelihood.belief


def test_the_model_gives_every_feature_its_sigma():
    model = VAE(data_shape=(1, 2, 3), latent=2, likelihood=Gaussian(sigma="per_feature"))
    assert model.likelihood.scale().shape == (1, 2, 3)
    assert model.likelihood.implied_variance == pytest.approx(1.0, rel=1e-6)
    again = VAE.from_spec(model.spec())
    model.likelihood.scale.rho.data.add_(torch.arange(6.0).reshape(1, 2, 3))
    again.load_state_dict(model.state_dict())
    assert torch.equal(again.likelihood.scale(), model.likelihood.scale())


def test_setup_for_the_same_shape_keeps_what_was_learned():
    likelihood, _ = of_three_features()
    before = likelihood.scale().detach().clone()
    likelihood.setup((3,))
    assert torch.equal(likelihood.scale(), before)
