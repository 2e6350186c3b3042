"""Active units, KL per latent and output dependence against numpy by hand, edge cases included."""

import math

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from torch.distributions import Independent, MultivariateNormal, Normal
from torch.utils.data import DataLoader, TensorDataset

import nelbo
from nelbo.data import Batches, Examples, MapDataset
from nelbo.errors import BadValue
from nelbo.evaluate import ActiveUnits, KLPerLatent, OutputDependence
from nelbo.terms import Terms

DEPENDENCE = (
    "output_dependence",
    "explained_variance",
    "output_deviation",
    "squared_error",
    "total_variance",
)


def data(n, features=3, seed=0):
    x = np.random.default_rng(seed).normal(size=(n, features)) * [0.03, 1.0, 2.0] + [0.0, 5.0, -1.0]
    return x.astype(np.float32)


class Stream:
    """Batches of uneven sizes, and nobody knows how many."""

    def __init__(self, x):
        self.x = x

    def __iter__(self):
        return iter(torch.from_numpy(self.x).split([1, 50, len(self.x) - 51]))


def every(model, x, batch=500):
    estimators = [ActiveUnits(batch=batch), KLPerLatent(batch), OutputDependence(batch)]
    return nelbo.evaluate(model, x, estimators)


def by_hand(model, x):
    """The values of the five numbers of output dependence, from their definitions."""
    x = x.astype(np.float64)
    m = x * model.gains.numpy() + model.offset
    sse, sst = ((x - m) ** 2).sum(), ((x - x.mean(0)) ** 2).sum()
    residual = (x - m).var(axis=0).sum() / x.var(axis=0).sum()
    return 1 - sse / sst, 1 - residual, m.std(axis=0).mean(), sse / len(x), sst / len(x)


@pytest.mark.parametrize("n", [2, 7, 20, 133])
def test_output_dependence_by_hand(foreign, n):
    x = data(n)
    found = nelbo.evaluate(foreign, x, [OutputDependence()])
    assert tuple(found) == DEPENDENCE
    values = [found[name].value for name in DEPENDENCE]
    assert_allclose(values, by_hand(foreign, x), rtol=1e-9)
    assert {estimate.examples for estimate in found.values()} == {n}


def test_active_units_by_hand(foreign):
    x = data(133)
    foreign.encode[:, 1] = torch.tensor([1.0, 0.0, 0.0])  # sees the feature of variance 0.0009
    units = nelbo.evaluate(foreign, x, [ActiveUnits()])["active_units"]
    expected = (x.astype(np.float64) @ foreign.encode.numpy()).var(axis=0)
    assert_allclose(units.parts, expected, rtol=1e-9)
    assert (units.value, units.unit, units.examples) == (1.0, "of 2 latents", 133)
    assert units.standard_error == 0.0


@pytest.mark.parametrize(("threshold", "count"), [(0.0, 2), (1.5, 1), (1e9, 0)])
def test_the_threshold_of_active_units(foreign, threshold, count):
    foreign.encode = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]).double()
    units = nelbo.evaluate(foreign, data(500), [ActiveUnits(threshold)])["active_units"]
    assert units.value == count


def test_a_unit_at_the_threshold_has_an_error(foreign):
    """Without some blocks its variance lies above the threshold, without others below."""
    x = data(100)
    variance = nelbo.evaluate(foreign, x, [ActiveUnits()])["active_units"].parts[0]
    units = nelbo.evaluate(foreign, x, [ActiveUnits(threshold=variance)])["active_units"]
    assert units.standard_error > 0


def test_kl_per_latent_by_hand(foreign):
    """KL(N(mu, s^2) || N(0, 1)) = (mu^2 + s^2 - log s^2 - 1) / 2, s = 0.5 and 1.2."""
    x, s = data(133), np.array([0.5, 1.2])
    mu = x.astype(np.float64) @ foreign.encode.numpy()
    kl = 0.5 * (mu**2 + s**2 - np.log(s**2) - 1)
    found = nelbo.evaluate(foreign, x, [KLPerLatent()])["kl_per_latent"]
    assert_allclose(found.parts, kl.mean(0), rtol=1e-6)  # s is kept in float32
    assert_allclose(found.value, kl.sum(1).mean(), rtol=1e-6)
    assert_allclose(found.standard_error, kl.sum(1).std(ddof=1) / 133**0.5, rtol=1e-6)


def test_kl_per_latent_needs_a_closed_form(foreign):
    def terms(x, samples=1):
        q = MultivariateNormal(torch.zeros(len(x), 2), torch.eye(2))
        px = Independent(Normal(torch.zeros(1, *x.shape), 1.0), 1)
        return Terms(x, q.sample((1,)), px, q, Independent(Normal(torch.zeros(2), 1.0), 1))

    foreign.terms = terms
    with pytest.raises(BadValue, match="KL per latent: expected a posterior and a prior with"):
        nelbo.evaluate(foreign, data(5), [KLPerLatent()])


def test_a_constant_output_depends_on_nothing(foreign):
    """Explained variance is 0 for any constant; 1 - SSE/SST only for the mean, below elsewhere."""
    x = data(133)
    foreign.gains = torch.zeros(3).double()
    found = nelbo.evaluate(foreign, x, [OutputDependence()])
    assert found["output_deviation"].value == 0.0
    assert abs(found["explained_variance"].value) < 1e-12
    assert found["output_dependence"].value < -1.0
    foreign.offset = torch.from_numpy(x.astype(np.float64).mean(0))
    found = nelbo.evaluate(foreign, x, [OutputDependence()])
    assert abs(found["output_dependence"].value) < 1e-12


def test_data_that_does_not_vary(foreign):
    """SST = 0: no share of it can be explained, and nothing is divided by rounding errors."""
    found = every(foreign, np.full((133, 3), 0.1, np.float32))
    shares = ("output_dependence", "explained_variance", "output_deviation", "total_variance")
    for name in shares:
        assert (found[name].value, found[name].standard_error) == (0.0, 0.0)
    assert found["squared_error"].value > 0
    assert found["active_units"].parts == (0.0, 0.0)


def test_data_far_from_zero_keeps_its_variance(foreign):
    """x = 4096 + a small integer: exact in float32, and 1e7 times its own variance squared."""
    x = np.random.default_rng(0).integers(0, 3, (200, 3)).astype(np.float32) + 4096
    found = nelbo.evaluate(foreign, x, [OutputDependence()])
    assert_allclose([found[name].value for name in DEPENDENCE], by_hand(foreign, x), rtol=1e-9)


def test_one_example_has_values_and_no_errors(foreign):
    found = every(foreign, data(1))
    assert found["squared_error"].value > 0
    assert found["active_units"].value == 0
    assert all(math.isnan(estimate.standard_error) for estimate in found.values())


@pytest.mark.parametrize("batch", [1, 7, 64, 1000])
def test_nothing_depends_on_the_batch_size(foreign, batch):
    x = data(133)
    expected, found = every(foreign, x), every(foreign, x, batch)
    for name, estimate in expected.items():
        assert_allclose(found[name].value, estimate.value, rtol=1e-12)
        assert_allclose(found[name].standard_error, estimate.standard_error, rtol=1e-9)
        assert_allclose(found[name].parts, estimate.parts, rtol=1e-12)


@pytest.mark.parametrize(
    "source",
    [
        Examples,
        lambda x: MapDataset(TensorDataset(torch.from_numpy(x))),
        lambda x: DataLoader(TensorDataset(torch.from_numpy(x)), batch_size=40),
        lambda x: Batches(Stream(x)),
        lambda x: [torch.from_numpy(x)],
    ],
)
def test_nothing_depends_on_the_kind_of_source(foreign, source):
    """Known size or unknown, one batch or many; and the estimator's own batch size is kept."""
    x = data(133)
    expected, foreign.batches = every(foreign, x), []
    found = every(foreign, source(x), batch=30)
    assert max(foreign.batches) == 30
    for name, estimate in expected.items():
        assert found[name].examples == 133
        assert_allclose(found[name].value, estimate.value, rtol=1e-12)
        assert_allclose(found[name].standard_error, estimate.standard_error, rtol=1e-9)


def test_a_model_of_another_dtype():
    """float64 and float32 give the same up to float32's rounding, each its own kind of input."""
    model = nelbo.VAE((3,), 2, network=nelbo.networks.MLP(hidden=(4,)))
    x = np.random.default_rng(0).integers(0, 2, (50, 3)).astype(np.float32)
    single, double = every(model, x), every(model.double(), x)
    for name, estimate in double.items():
        assert_allclose(single[name].value, estimate.value, rtol=1e-4)


GAINS, DEVIATIONS = np.array([0.2, 0.6, 0.9]), np.array([1.0, 0.5, 2.0])


def truth():
    """The five numbers of x ~ N(0, diag(s^2)) and m(x) = a x + 0.3."""
    s2 = DEVIATIONS**2
    total, residual = s2.sum(), ((1 - GAINS) ** 2 * s2).sum()
    error = residual + 3 * 0.3**2
    return 1 - error / total, 1 - residual / total, (GAINS * DEVIATIONS).mean(), error, total


def test_the_errors_of_output_dependence_are_calibrated(foreign):
    """z over 300 data sets of 400 has the t-distribution's standard deviation sqrt(19/17) = 1.057.

    The bar: four times 1.057 sqrt((kurtosis - 1) / 1200) = 0.047.
    """
    foreign.gains = torch.from_numpy(GAINS)
    z = []
    for seed in range(300):
        x = np.random.default_rng(seed).normal(size=(400, 3)) * DEVIATIONS
        found = OutputDependence()(foreign, Examples(x))
        pairs = zip(found, truth(), strict=True)
        z.append([(estimate.value - t) / estimate.standard_error for estimate, t in pairs])
    assert_allclose(np.std(z, axis=0), math.sqrt(19 / 17), atol=0.19)
