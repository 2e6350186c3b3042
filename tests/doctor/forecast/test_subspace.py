"""The streamed eigenvalues against numpy's, on planted spectra."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from nelbo.data import Batches
from nelbo.doctor import forecast
from nelbo.doctor.forecast.mapped import Mapped, mapped
from nelbo.doctor.forecast.subspace import TOLERANCE, subspace
from nelbo.likelihoods import Gaussian


def planted(n, features, values, seed=0):
    """Rows whose covariance has these eigenvalues above a floor of about 1."""
    random = np.random.default_rng(seed)
    axes = np.linalg.qr(random.normal(size=(features, len(values))))[0]
    signal = random.normal(size=(n, len(values))) * np.sqrt(np.array(values) - 1)
    return (signal @ axes.T + random.normal(size=(n, features))).astype(np.float32)


def exact(x):
    return np.linalg.eigvalsh(np.cov(x.astype(np.float64), rowvar=False, bias=True))[::-1]


def test_a_planted_spectrum():
    """The residual bounds the relative error of the largest; its square is the error's order."""
    x = planted(3000, 300, [60.0, 40.0, 30.0])
    rows = torch.from_numpy(x - x.mean(0)).split(700)
    found = subspace(lambda: rows, 300)
    assert found.residual <= TOLERANCE
    assert len(found.values) == 64
    assert_allclose(found.values[:3], exact(x)[:3], rtol=TOLERANCE**2 * 10)
    assert bool((found.values <= torch.from_numpy(exact(x)[:64].copy()) * (1 + 1e-6)).all())


@pytest.mark.parametrize("gap", [1.0, 0.99])
def test_a_largest_eigenvalue_that_is_not_alone(gap):
    x = planted(3000, 300, [20.0, 20.0 * gap, 20.0 * gap**2])
    rows = torch.from_numpy(x - x.mean(0)).split(700)
    assert_allclose(subspace(lambda: rows, 300).values[0], exact(x)[0], rtol=1e-3)


def test_noise_alone_settles():
    """No gap at all: the largest of 500 is still found to 1%."""
    x = planted(4000, 500, [1.0])
    rows = torch.from_numpy(x - x.mean(0)).split(700)
    found = subspace(lambda: rows, 500)
    assert_allclose(found.values[0], exact(x)[0], rtol=0.01)


def test_fewer_features_than_columns():
    x = planted(500, 20, [9.0])
    rows = [torch.from_numpy(x - x.mean(0))]
    assert_allclose(subspace(lambda: rows, 20).values, exact(x), rtol=1e-5)


def test_a_wide_stream_is_forecast_from_all_of_it():
    """2100 features, 2500 examples, in batches of 600 that start again."""
    x = planted(2500, 2100, [300.0, 100.0])
    found = forecast(Batches(list(torch.from_numpy(x).split(600))), Gaussian(variance=2.0))
    assert_allclose(found.eigenvalues[:2], exact(x)[:2] / 2, rtol=1e-4)
    assert_allclose(found.critical_variance, exact(x)[0], rtol=1e-4)
    assert "64 largest" in " ".join(found.notes)
    assert len(found.eigenvalues) == 64


def test_a_transform_that_draws_draws_the_same_in_every_pass():
    light = np.random.default_rng(0).random((2500, 1), dtype=np.float32)
    x = np.broadcast_to(light, (2500, 2100)).copy()  # one large eigenvalue: a few passes will do
    source = Batches([torch.from_numpy(x)], transform="dynamic_binarise")
    torch.manual_seed(3)
    state = torch.get_rng_state()
    first, again = (forecast(source, Gaussian(variance=1.0)) for _ in range(2))
    assert first == again
    assert torch.equal(torch.get_rng_state(), state)


def test_a_mapped_array_is_read_in_pieces(tmp_path):
    x = np.random.default_rng(0).integers(0, 256, (900, 40), dtype=np.uint8)
    np.save(tmp_path / "x.npy", x)
    array = np.load(tmp_path / "x.npy", mmap_mode="r")
    assert isinstance(mapped(array), Mapped)
    assert mapped(x) is x
    found, expected = (forecast(a, Gaussian(variance=0.1)) for a in (array, x))
    assert_allclose(found.eigenvalues, expected.eigenvalues, rtol=1e-5)


def test_what_was_written_into_a_private_map_stays(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((300, 4), np.float32))
    array = np.load(tmp_path / "x.npy", mmap_mode="c")
    array[::2] = 2.0
    assert_allclose(forecast(array, Gaussian(variance=1.0)).margin, 4.0, rtol=1e-6)
    assert array[0, 0] == 2.0
