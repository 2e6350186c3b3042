"""Mean, variance and spectrum against numpy."""

import sys

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from torch.utils.data import DataLoader, TensorDataset

from nelbo.data import Batches, Examples, MapDataset
from nelbo.doctor import moments


def module():
    """The module `nelbo.doctor.forecast.moments`, whose name its function has taken."""
    return sys.modules["nelbo.doctor.forecast.moments"]


def data(n=700, features=12, seed=0):
    random = np.random.default_rng(seed)
    mixed = random.normal(size=(n, features)) @ random.normal(size=(features, features))
    return (mixed + random.normal(size=features) * 5).astype(np.float32)


def spectrum(x):
    """The eigenvalues of the covariance, descending, by numpy in float64."""
    return np.linalg.eigvalsh(np.cov(x.astype(np.float64), rowvar=False, bias=True))[::-1]


# products are of float32: relative to the largest eigenvalue their rounding is 1e-7
def assert_spectrum(found, expected):
    assert_allclose(found, expected, rtol=1e-6, atol=1e-6 * expected[0])


@pytest.mark.parametrize("batch", [1, 64, 699, 2000])
def test_against_numpy(batch):
    x = data()
    found = moments(Examples(x), batch=batch)
    assert_allclose(found.mean, x.astype(np.float64).mean(0), rtol=1e-6)
    assert_allclose(found.variance, x.astype(np.float64).var(0), rtol=1e-6)
    assert_spectrum(found.spectrum(), spectrum(x))
    assert (found.low, found.high, found.examples) == (x.min(), x.max(), 700)
    assert found.mean.dtype == found.variance.dtype == found.root.dtype == torch.float64


def test_the_root_is_one_of_the_covariance():
    x = data()
    root = moments(Examples(x)).root
    covariance = np.cov(x.astype(np.float64), rowvar=False, bias=True)
    assert_allclose(root.T @ root, covariance, rtol=1e-6, atol=1e-6 * covariance.max())


def test_in_units_of_noise():
    x, noise = data(), np.linspace(0.5, 4.0, 12)
    found = moments(Examples(x)).spectrum(torch.from_numpy(noise))
    assert_spectrum(found, spectrum(x / np.sqrt(noise)))


@pytest.mark.parametrize("n", [1, 2, 5])
def test_fewer_examples_than_features(n):
    x = data(n)
    expected = np.zeros(12) if n == 1 else spectrum(x)
    found = moments(Examples(x)).spectrum()
    assert_allclose(found, expected.clip(0), rtol=1e-5, atol=1e-5 * max(1.0, expected[0]))
    assert bool((found >= 0).all())


def test_data_far_from_zero_keeps_its_spectrum():
    """The first batch's mean is taken off before anything is squared."""
    x = np.random.default_rng(0).integers(0, 3, (500, 4)).astype(np.float32)
    assert_spectrum(moments(Examples(x + 2**20)).spectrum(), spectrum(x))


def test_shapes_are_flattened():
    x = data().reshape(700, 3, 4)
    assert_spectrum(moments(Examples(x)).spectrum(), spectrum(x.reshape(700, 12)))


@pytest.mark.parametrize("scale", [0.01, 3.0])
def test_scaled_data_has_a_spectrum_scaled_by_the_square(scale):
    x = data()
    found, scaled = (moments(Examples(a)).spectrum() for a in (x, scale * x))
    assert_allclose(scaled, scale**2 * found, rtol=1e-5, atol=1e-6 * scale**2 * found[0])


def test_the_order_of_features_and_examples_changes_nothing():
    x, random = data(), np.random.default_rng(1)
    moved = x[random.permutation(700)][:, random.permutation(12)]
    assert_spectrum(moments(Examples(moved)).spectrum(), spectrum(x))


def test_repeated_examples_change_nothing():
    x = data()
    assert_spectrum(moments(Examples(np.concatenate([x, x, x]))).spectrum(), spectrum(x))


@pytest.mark.parametrize(
    "source",
    [
        lambda x: MapDataset(TensorDataset(torch.from_numpy(x))),
        lambda x: Batches(DataLoader(TensorDataset(torch.from_numpy(x)), batch_size=33)),
        lambda x: Batches(list(torch.from_numpy(x).split([1, 699]))),
    ],
)
def test_any_source(source):
    x = data()
    found = moments(source(x))
    assert found.examples == 700
    assert_spectrum(found.spectrum(), spectrum(x))


@pytest.mark.parametrize("n", [5, 700])
def test_the_gram_path_agrees_with_the_exact_one(monkeypatch, n):
    """On up to 2000 examples both see all of them."""
    x = data(n)
    exact = moments(Examples(x))
    monkeypatch.setattr(module(), "LARGEST_COVARIANCE", 3)
    gram = moments(Examples(x))
    assert_allclose(gram.mean, exact.mean, rtol=1e-6)
    assert_allclose(gram.variance, exact.variance, rtol=1e-6)
    both = min(n, 12)
    assert_allclose(
        gram.spectrum()[:both], exact.spectrum()[:both], rtol=1e-6, atol=1e-6 * exact.spectrum()[0]
    )
    assert (gram.low, gram.high, gram.examples) == (exact.low, exact.high, n)


@pytest.mark.parametrize("batch", [70, 2000])
def test_more_features_and_examples_than_fit_take_passes(monkeypatch, batch):
    """Nothing is drawn: the largest eigenvalues are those of all examples."""
    x = data(5000, 40)
    monkeypatch.setattr(module(), "LARGEST_COVARIANCE", 39)
    found = moments(Examples(x), batch=batch)
    assert found.examples == 5000
    assert found.root is None
    assert_allclose(found.mean, x.astype(np.float64).mean(0), rtol=1e-6, atol=1e-6)
    assert_allclose(found.variance, x.astype(np.float64).var(0), rtol=1e-6)
    assert_spectrum(found.spectrum(), spectrum(x))
    noise = np.linspace(0.5, 4.0, 40)
    assert_spectrum(found.spectrum(torch.from_numpy(noise)), spectrum(x / np.sqrt(noise)))


def test_many_features():
    """3000 features, 4 examples: rank 3, and what numpy's Gram matrix says."""
    x = data(4, 3000)
    centred = x.astype(np.float64) - x.astype(np.float64).mean(0)
    expected = np.linalg.eigvalsh(centred @ centred.T / 4)[::-1]
    found = moments(Examples(x)).spectrum()
    assert len(found) == 4
    assert_allclose(found, expected.clip(0), rtol=1e-9, atol=1e-9 * expected[0])


def test_the_callers_generator_stays(monkeypatch):
    x, state = np.random.default_rng(0).random((50, 4)).astype(np.float32), torch.get_rng_state()
    first = moments(Examples(x, transform="dynamic_binarise"))
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(1)
    assert torch.equal(first.mean, moments(Examples(x, transform="dynamic_binarise")).mean)
    monkeypatch.setattr(module(), "LARGEST_COVARIANCE", 2)
    state = torch.get_rng_state()
    moments(Examples(x))
    assert torch.equal(torch.get_rng_state(), state)
