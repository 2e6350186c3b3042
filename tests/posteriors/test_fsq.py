"""Finite scalar quantisation."""

import itertools

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from nelbo.posteriors import FSQ
from tests.references.posteriors.fsq import quantise

LEVELS = [(8, 5, 5, 5), (3, 5, 4), (2,), (7, 2)]


@pytest.mark.parametrize("levels", LEVELS)
def test_all_levels_are_reached_and_none_beyond(levels):
    posterior = FSQ(levels)
    posterior.setup(len(levels))
    u = torch.linspace(-50, 50, 20001, dtype=torch.float64)[:, None].expand(-1, len(levels))
    z = posterior.double()(u).mean
    for size, column in zip(levels, z.unbind(1), strict=True):
        expected = (np.arange(size) - size // 2) / (size // 2)
        assert_allclose(column.unique().detach(), expected, rtol=1e-12)


@pytest.mark.parametrize("levels", LEVELS)
def test_codes_are_numbered_one_to_one(levels):
    posterior = FSQ(levels)
    posterior.setup(len(levels))
    indices = torch.arange(posterior.codes)[:, None]
    z = posterior.double().vectors(indices)
    assert torch.equal(posterior.indices(z), indices)
    grid = [(np.arange(size) - size // 2) / (size // 2) for size in levels]
    assert {tuple(row) for row in z.tolist()} == set(itertools.product(*grid))


@pytest.mark.parametrize("levels", LEVELS)
def test_the_gradient_is_that_of_the_bound(levels):
    """d z / d u = f'(u) / floor(L / 2), f the paper's bound: by differences."""
    posterior = FSQ(levels)
    posterior.setup(len(levels))
    posterior.double()
    u = torch.linspace(-2, 2, 11, dtype=torch.float64)[:, None].repeat(1, len(levels))
    u.requires_grad_()
    (slope,) = torch.autograd.grad(posterior(u).rsample().sum(), u)
    sizes = np.array(levels)
    half, offset = (sizes - 1) * (1 - 1e-3) / 2, np.where(sizes % 2 == 1, 0.0, 0.5)

    def bound(v):
        return np.tanh(v + np.tan(offset / half)) * half - offset

    v, step = u.detach().numpy(), 1e-5
    expected = (bound(v + step) - bound(v - step)) / (2 * step) / (sizes // 2)
    assert_allclose(slope, expected, rtol=1e-6)


def test_float32_rounds_as_float64_does():
    posterior = FSQ((8, 5, 5, 5))
    posterior.setup(8)
    u = torch.randn(1000, 8)
    assert_allclose(posterior(u).mean, quantise(u.numpy(), (8, 5, 5, 5)), rtol=1e-6)
