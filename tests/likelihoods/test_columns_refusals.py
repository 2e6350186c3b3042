"""What a likelihood per column refuses, in its data and when it is built."""

import pytest
import torch

import nelbo
from nelbo import registry
from nelbo.errors import BadType, BadValue
from nelbo.likelihoods import Bernoulli, Columns, Gaussian
from nelbo.likelihoods.observed import fill, filler
from nelbo.rng import seeded
from tests.likelihoods.test_columns import COLUMNS, NAN, table, wine


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        (1, NAN, "column 1 (Gaussian): data: expected finite values, got NaN in 0.562 % of the"),
        (4, 2.0, "column 4 (Bernoulli): data for Bernoulli: expected values in [0, 1]"),
        (7, -1.0, "column 7 (Poisson): data for Poisson: expected"),
        (5, 4.0, "column 5 (Categorical): data for Categorical: expected"),
    ],
)
def test_bad_data_is_named_by_its_column(column, value, message):
    x = wine()
    x[3, column] = value
    with pytest.raises(BadValue) as error:
        table().check(x)
    assert message in str(error.value)


def test_grey_values_of_one_column_are_warned_about():
    x = wine()
    x[0, 3] = 0.5
    x[:, 8] += 0.5
    likelihood = table()
    assert not likelihood.check(x)
    assert "Poisson" not in likelihood.warning
    with pytest.warns(
        nelbo.errors.NelboWarning,
        match="Columns: column 3 \\(Bernoulli\\): grey values",
    ):
        likelihood.warn_outside_support()


def test_observed_entries_alone_are_checked():
    x, likelihood = wine(), table()
    with seeded(2):
        x = x.masked_fill(torch.rand(x.shape) < 0.2, NAN)
    x[:, 8] += 0.5  # no counts
    assert likelihood.check(fill(x, filler(likelihood, (COLUMNS,))))
    x[3, 7] = -1.0
    with pytest.raises(BadValue, match=r"column 7 \(Poisson\)"):
        likelihood.check(fill(x, filler(likelihood, (COLUMNS,))))


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Columns(()), BadValue, "parts: expected at least one likelihood"),
        (lambda: Columns(Bernoulli()), BadType, "expected a tuple of likelihoods, got Bernoulli()"),
        (lambda: Columns((3,)), BadType, "expected a tuple of likelihoods, got 3"),
        (lambda: Columns((Bernoulli(),), (0,)), BadValue, "sizes: expected 1 positive numbers"),
        (lambda: Columns((Bernoulli(),), (1, 2)), BadValue, "sizes: expected 1 positive numbers"),
        (
            lambda: registry.build("likelihood", "columns:parts=(bernouli,)"),
            BadType,
            "Did you mean 'bernoulli'?",
        ),
        (
            lambda: nelbo.VAE(data_shape=4, latent=2, likelihood=Columns((Bernoulli(),), (3,))),
            BadValue,
            "expected examples of shape [3], a column for each of the parts, got shape [4]",
        ),
        (
            lambda: nelbo.VAE((1, 3), latent=2, likelihood=Columns((Bernoulli(),), (3,))),
            BadValue,
            "got shape [1, 3]",
        ),
    ],
)
def test_refused_when_built(make, error, message):
    with pytest.raises(error) as caught:
        make()
    assert message in str(caught.value)


def test_a_sigma_of_the_batch_is_refused_in_a_column_too():
    likelihood = Columns((Bernoulli(), Gaussian(sigma="optimal")))
    with pytest.raises(BadValue, match="got sigma=optimal"):
        filler(likelihood, (2,))
