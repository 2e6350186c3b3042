"""The forecast of losses that people write."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.testing import assert_allclose

from nelbo.doctor import forecast
from nelbo.doctor.forecast import kl_weight
from nelbo.errors import BadType, BadValue
from nelbo.likelihoods import Bernoulli, Gaussian


def kl(mu, logvar):
    return 0.5 * (mu**2 + logvar.exp() - 1 - logvar)


def summed(x, y, mu, logvar):
    return F.mse_loss(y, x, reduction="sum") + kl(mu, logvar).sum()


def averaged(x, y, mu, logvar):
    """The question's: averaged over batch and features beside the KL of an example."""
    return F.mse_loss(y, x) + kl(mu, logvar).sum(1).mean()


def averaged_all(x, y, mu, logvar):
    return F.mse_loss(y, x) + kl(mu, logvar).mean()


def stray(x, y, mu, logvar):
    """Divided by the batch once too often."""
    per_example = ((x - y) ** 2).flatten(1).sum(1)
    return (per_example / len(x)).mean() + kl(mu, logvar).sum(1).mean()


def data(n=600, features=6, seed=0):
    random = np.random.default_rng(seed)
    mixed = random.normal(size=(n, features)) @ random.normal(size=(features, features))
    return (1 / (1 + np.exp(-mixed))).astype(np.float32)


# a |x - y|^2 + b KL is a Gaussian of variance b / 2a                    THEORY of the question
@pytest.mark.parametrize(
    ("loss", "variance"),
    [(summed, 0.5), (averaged, 6 / 2), (averaged_all, 6 / 2 / 20), (stray, 500 / 2)],
)
@pytest.mark.parametrize("output", ["mean", "prob"])
def test_a_squared_error_is_the_gaussian_that_it_is(loss, variance, output):
    """The stray division is by the batch, here 500 of the 600 examples."""
    x = data()
    found = forecast(x, loss=loss, output=output)
    expected = forecast(x, Gaussian(variance=variance))
    assert_allclose(found.eigenvalues, expected.eigenvalues, rtol=1e-4)
    assert_allclose(found.critical_variance, expected.critical_variance, rtol=1e-4)
    assert found.verdict == expected.verdict


def test_beta_multiplies_the_loss_s_own_weight():
    one, found = (forecast(data(), loss=summed, beta=beta) for beta in (1.0, 3.0))
    assert_allclose(found.margin, one.margin / 3, rtol=1e-6)
    assert_allclose(found.critical_variance, one.critical_variance / 3, rtol=1e-6)


@pytest.mark.parametrize(
    ("output", "cross_entropy"),
    [("prob", F.binary_cross_entropy), ("logits", F.binary_cross_entropy_with_logits)],
)
@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_a_cross_entropy_is_the_bernoulli(output, cross_entropy, reduction):
    """Averaged over the 6 features it is one whose KL weighs 6 times."""

    def loss(x, y, mu, logvar):
        own = kl(mu, logvar).sum() if reduction == "sum" else kl(mu, logvar).sum(1).mean()
        return cross_entropy(y, x, reduction=reduction) + own

    x = np.concatenate([data(), np.zeros((600, 1), np.float32)], axis=1)  # one pixel black
    found, expected = forecast(x, loss=loss, output=output), forecast(x, Bernoulli())
    share = 1 if reduction == "sum" else 7
    assert_allclose(found.eigenvalues, np.array(expected.eigenvalues) / share, rtol=1e-4, atol=1e-9)
    assert found.critical_variance is None
    assert "1 of 7 features" in " ".join(found.notes)


def test_a_predicted_variance():
    """The same as the general path for a likelihood: s and H by hand."""

    def loss(x, y, mu, logvar):
        mean, spread = y
        nll = 0.5 * ((x - mean) ** 2 * (-spread).exp() + spread)
        return nll.flatten(1).sum(1).mean() + kl(mu, logvar).sum(1).mean()

    x = data().astype(np.float64)
    m, v = x.mean(0), x.var(0)
    scores = np.concatenate([(m - x) / v**0.5, (1 - (x - m) ** 2 / v) / 2**0.5], axis=1)
    expected = np.linalg.eigvalsh(np.cov(scores, rowvar=False, bias=True))[::-1]
    found = forecast(data(), loss=loss, output="mean+logvar")
    assert_allclose(found.eigenvalues, expected, rtol=1e-3)


def test_a_variance_taken_from_the_batch():
    """D/2 log(mean squared error), sigma-VAE: margin lambda_1 / mean(lambda)."""

    def loss(x, y, mu, logvar):
        return 0.5 * x.numel() * torch.log(F.mse_loss(y, x)) + kl(mu, logvar).sum()

    found = forecast(data(500), loss=loss)
    assert_allclose(found.margin, forecast(data(500), Gaussian(sigma="learned")).margin, rtol=1e-3)
    assert found.critical_variance is None


def test_features_that_are_coupled():
    """A squared error in other coordinates: |A (x - y)|^2, so H = 2 A'A and J = H Cov H."""
    mixing = torch.randn(6, 6, generator=torch.Generator().manual_seed(0)) + 2 * torch.eye(6)

    def loss(x, y, mu, logvar):
        return (((x - y) @ mixing.T) ** 2).sum() + kl(mu, logvar).sum()

    x = data()
    turned = x.astype(np.float64) @ mixing.double().numpy().T
    expected = 2 * np.linalg.eigvalsh(np.cov(turned, rowvar=False, bias=True))[::-1]
    found = forecast(x, loss=loss).eigenvalues
    assert_allclose(found, expected, rtol=1e-3, atol=1e-4 * expected[0])


def test_images_keep_their_shape():
    def loss(x, y, mu, logvar):
        assert x.shape[1:] == y.shape[1:] == (1, 2, 3)
        assert mu.shape == logvar.shape == (len(x), 7)
        return summed(x, y, mu, logvar)

    x = data().reshape(-1, 1, 2, 3)
    found = forecast(x, loss=loss, latent=7)
    assert_allclose(found.margin, forecast(x, Gaussian(variance=0.5)).margin, rtol=1e-4)


def test_an_absolute_error_is_refused():
    def loss(x, y, mu, logvar):
        return (x - y).abs().sum() + kl(mu, logvar).sum()

    with pytest.raises(BadValue, match="a smooth loss, with curvature where the data lies"):
        forecast(data(), loss=loss)


@pytest.mark.parametrize(
    ("loss", "kind", "said"),
    [
        (lambda x, y, mu, logvar: float(((x - y.detach()) ** 2).sum()), BadType, "got float"),
        (lambda x, y, mu, logvar: (x.numpy() - y.numpy()).sum(), BadType, "NumPy"),
        (lambda x, y, mu, logvar: ((x - y) ** 2).sum(1), BadValue, "expected a scalar"),
        (lambda x, y, mu, logvar: ((x - y) ** 2).sum(), BadValue, "a KL that rises with mu"),
        (lambda x, y: ((x - y) ** 2).sum(), BadValue, "TypeError"),
        (lambda x, y, mu, logvar: kl(mu, logvar).sum() + 1, BadValue, "depends on the recon"),
        (lambda x, y, mu, logvar: summed(x, y, mu, logvar).detach(), BadValue, "rises with mu"),
    ],
)
def test_what_cannot_be_forecast_says_why(loss, kind, said):
    with pytest.raises(kind, match=said):
        forecast(data(), loss=loss)


@pytest.mark.usefixtures("unchecked")
def test_wrong_arguments():
    with pytest.raises(BadValue, match="a known kind of decoder output, got 'probs'"):
        forecast(data(), loss=summed, output="probs")
    with pytest.raises(BadType, match="loss: expected a function"):
        forecast(data(), loss="mse")


@pytest.mark.parametrize("loss", [summed, averaged, averaged_all])
def test_the_weight_of_the_kl(loss):
    x = torch.from_numpy(data(10))
    expected = {summed: 1.0, averaged: 1 / 10, averaged_all: 1 / 10 / 4}[loss]
    assert_allclose(kl_weight(loss, x, torch.zeros_like(x), 4), expected, rtol=1e-6)
