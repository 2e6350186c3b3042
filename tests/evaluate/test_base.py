"""Standard errors: the jackknife against textbooks, and calibrated over many data sets."""

import math

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from torch import nn

import nelbo
from nelbo.evaluate.base import evaluation_mode, mean_estimate
from nelbo.evaluate.jackknife import BLOCKS, Blocks, Deviations, variance


def filled(values, batch=7):
    blocks = Blocks()
    for part in torch.as_tensor(values).split(batch):
        blocks.add(part)
    return blocks


def mean(means):
    return means[0]


def test_with_one_example_a_block_the_error_of_a_mean_is_the_textbooks():
    x = np.random.default_rng(0).normal(size=(BLOCKS, 1))
    value, error = filled(x).jackknife(mean)
    assert_allclose(value, x.mean(), rtol=1e-12)
    assert_allclose(error, x.std(ddof=1) / BLOCKS**0.5, rtol=1e-12)


def test_with_equal_blocks_it_is_that_of_the_mean_of_their_means():
    x = np.random.default_rng(1).normal(size=(BLOCKS * 9, 1))
    block_means = np.array([x[g::BLOCKS].mean() for g in range(BLOCKS)])
    assert_allclose(filled(x).jackknife(mean)[1], block_means.std(ddof=1) / BLOCKS**0.5, rtol=1e-12)


def test_a_ratio_by_hand():
    """Leave one block out, evaluate, spread: written out in numpy, with blocks of unequal size."""
    x = np.random.default_rng(2).gamma(2.0, size=(BLOCKS + 5, 2))
    left = []
    for g in range(BLOCKS):
        kept = np.delete(x, slice(g, None, BLOCKS), axis=0)
        left.append(kept[:, 0].mean() / kept[:, 1].mean())
    expected = math.sqrt((BLOCKS - 1) * np.var(left))
    value, error = filled(x).jackknife(lambda means: means[0] / means[1])
    assert_allclose((value, error), (x[:, 0].mean() / x[:, 1].mean(), expected), rtol=1e-12)


@pytest.mark.parametrize("n", [1, 2, 5, BLOCKS - 1, BLOCKS, BLOCKS + 1, 333])
def test_the_batch_size_changes_nothing(n):
    x = np.random.default_rng(3).normal(size=(n, 2))
    found = [filled(x, batch).jackknife(lambda m: m[0] * m[1]) for batch in (1, 7, n)]
    assert_allclose(found, [found[0]] * 3, rtol=1e-10)
    assert math.isnan(found[0][1]) == (n == 1)


def test_fewer_examples_than_blocks_are_a_block_each():
    x = np.random.default_rng(4).normal(size=(6, 1))
    assert_allclose(filled(x).jackknife(mean)[1], x.std(ddof=1) / 6**0.5, rtol=1e-12)


def test_what_is_constant_has_no_variance_at_all():
    """0.1 is no float: without the origin x^2 - x x would leave 1e-18, and ratios of that."""
    x = torch.full((37, 1), 0.1)
    d = Deviations()
    blocks = filled(torch.cat([d(x), d(x) ** 2], dim=1))
    assert blocks.jackknife(lambda m: variance(*m.chunk(2))) == (0.0, 0.0)


def test_a_single_example_that_differs_leaves_no_remains_where_it_is_left_out():
    x = torch.full((BLOCKS, 1), 0.1)
    x[3] = 1e8
    d, seen = Deviations(), []
    blocks = filled(torch.cat([d(x), d(x) ** 2], dim=1))
    blocks.jackknife(lambda m: seen.append(variance(*m.chunk(2))) or m[0])
    assert seen[1 + 3] == 0.0  # the first is that of all


def test_deviations_keep_the_variance_of_data_far_from_zero():
    x = torch.randn(500, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) + 1e9
    d = Deviations()(x)
    found = variance(d.mean(0), (d**2).mean(0))
    assert_allclose(found, x.numpy().var(0), rtol=1e-6)


def calibration(draw, truth, sets=300):
    """Return the standard deviation of z = (estimate - truth) / error over many data sets."""
    z = [(value - truth) / error for value, error in (draw(seed) for seed in range(sets))]
    return np.std(z)


# z of a mean of n examples is t-distributed with n - 1 degrees of freedom, that of a jackknife of
# G blocks nearly so with G - 1: standard deviation sqrt(19/17) = 1.057. Over 300 data sets it is
# known to 1.057 * sqrt((kurtosis - 1) / 1200) = 0.047; the bar is four times that.
JACKKNIFE, BAR = math.sqrt((BLOCKS - 1) / (BLOCKS - 3)), 0.19


def test_errors_of_means_are_calibrated():
    def draw(seed):
        x = torch.from_numpy(np.random.default_rng(seed).gamma(3.0, size=300))
        estimate = mean_estimate("elbo", x)
        return estimate.value, estimate.standard_error

    assert abs(calibration(draw, truth=3.0) - 1.0) < BAR


def test_errors_of_the_sum_of_variances_are_calibrated():
    """What `ActiveUnits` counts: x ~ N(0, diag(1, 4)) has 5."""

    def draw(seed):
        x = torch.from_numpy(np.random.default_rng(seed).normal(size=(300, 2)) * [1.0, 2.0])
        blocks = filled(torch.cat([x, x**2], dim=1), batch=300)
        return blocks.jackknife(lambda m: variance(*m.chunk(2)).sum())

    assert abs(calibration(draw, truth=5.0) - JACKKNIFE) < BAR


def test_a_modules_mode_and_those_of_its_parts_come_back():
    """Also those that differ: a frozen batch norm inside a model in training."""
    model = nn.Sequential(nn.BatchNorm1d(3), nn.Dropout())
    model[0].eval()
    model.terms = model.reconstruct = lambda x, samples=1: x
    modes = evaluation_mode(model)
    modes.__enter__()
    assert not any(module.training for module in model.modules())
    assert not modes.__exit__(KeyError, KeyError(), None)
    assert [module.training for module in model.modules()] == [True, False, True]


def test_one_example_has_no_standard_error():
    estimate = mean_estimate("elbo", torch.tensor([2.0]))
    assert estimate.value == 2.0
    assert math.isnan(estimate.standard_error)


def test_an_estimate_reads_as_a_sentence():
    estimate = nelbo.evaluate.Estimate("kl", 12.345, "nats per example", 0.067, 1, samples=2)
    assert str(estimate) == "kl = 12.35 +- 0.067 nats per example (1 examples, 2 samples)"
