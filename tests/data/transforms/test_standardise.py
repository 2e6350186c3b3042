"""Standardising: numpy's numbers, what is left alone, what is recorded, and undoing it."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from nelbo import registry
from nelbo.data import Examples, Standardise, load
from nelbo.errors import BadValue


def table(n=200):
    rng = np.random.default_rng(0)
    columns = [
        1e6 + 1e5 * rng.normal(size=n), 0.1 * rng.normal(size=n), rng.integers(0, 2, n),
        rng.poisson(4.0, n), np.full(n, 2.5), rng.integers(-9, 9, n),
    ]  # fmt: skip
    x = np.stack(columns, 1).astype(np.float32)
    x[rng.random(x.shape) < 0.3] = np.nan
    return x


def test_real_columns_become_those_of_numpy_and_others_stay():
    x = table()
    made = Examples(x, "standardise")[:].numpy()
    for i in (0, 1, 5):
        column = x[:, i].astype(np.float64)
        expected = (column - np.nanmean(column)) / np.nanstd(column)
        assert_allclose(made[:, i], expected, rtol=1e-5, atol=1e-6)
    for i in (2, 3, 4):
        assert np.array_equal(made[:, i], x[:, i], equal_nan=True)


def test_columns_that_are_named_are_the_ones():
    made = Examples(table(), Standardise(columns=(3,)))[:]
    assert float(made[:, 3].nanmean()) == pytest.approx(0, abs=1e-5)
    assert torch.equal(made[:, 0].isnan(), torch.from_numpy(table()[:, 0]).isnan())
    assert float(made[:, 0].nanmean()) > 1e5


def test_the_test_set_is_given_the_training_sets_numbers():
    x = table()
    data = load(x, transform="standardise")
    assert data.test.transform == data.train.transform
    raw = load(x, transform="raw").train[:].double()
    assert_allclose(data.train.transform.mean[0], raw[:, 0].nanmean(), rtol=1e-9)
    text = registry.text(registry.spec(data.train.transform))
    again = load(x[:50], transform=text)
    assert again.train.transform.mean == data.train.transform.mean


def test_it_is_undone():
    x = torch.from_numpy(table())
    fitted = Standardise().fitted(x)
    torch.testing.assert_close(fitted.undone(fitted(x)), x, equal_nan=True)


def test_the_density_of_the_data_is_that_of_what_was_made_of_it_and_the_scale():
    x = torch.tensor([[3.0, 10.0], [5.0, 30.5], [torch.nan, 20.0]])
    fitted = Standardise(columns=(0, 1)).fitted(x)
    mean, sigma = torch.tensor(fitted.mean), torch.tensor(fitted.deviation)
    normal = torch.distributions.Normal
    of_data = normal(mean, sigma).log_prob(x.nan_to_num(0.0))
    of_made = normal(torch.zeros(2), torch.ones(2)).log_prob(fitted(x).nan_to_num(0.0))
    there = ~x.isnan()
    expected = (of_data * there).sum(1) - (of_made * there).sum(1)
    assert_allclose(fitted.log_scale(fitted(x)), expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ({"mean": (1.0,)}, "standardise: expected mean and deviation"),
        ({"mean": (1.0,), "deviation": (1.0, 2.0)}, "standardise: expected mean and deviation"),
        ({"mean": (1.0,), "deviation": (0.0,)}, "deviation: expected positive numbers"),
    ],
)
def test_numbers_that_do_not_fit_are_refused(arguments, what):
    with pytest.raises(BadValue, match=what):
        Standardise(**arguments)


def test_data_that_does_not_fit_is_refused():
    with pytest.raises(BadValue, match="columns: expected numbers of features, 0 to 5, got 6"):
        Examples(table(), Standardise(columns=(6,)))
    fitted = Standardise().fitted(torch.from_numpy(table()))
    with pytest.raises(BadValue, match="data to standardise: expected 6 features"):
        Examples(table()[:, :4], fitted)
    with pytest.raises(BadValue, match="standardise: expected mean and deviation of the training"):
        Standardise()(torch.zeros(2, 3))
