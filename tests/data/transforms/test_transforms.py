"""All transforms by their definitions."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nelbo import registry
from nelbo.data import Dequantise, DynamicBinarise, Examples, Raw, Scale, StaticBinarise
from nelbo.errors import BadValue

BYTES = torch.arange(256, dtype=torch.uint8).reshape(1, 256)
FIVE_SIGMA = 5.0


@pytest.mark.parametrize("name", registry.names("transform"))
def test_every_transform_keeps_shape_gives_float32_and_rebuilds(name):
    transform = registry.build("transform", name)
    examples = Examples(BYTES.expand(3, 256), transform)
    batch = next(examples.epoch(2))
    assert batch.dtype == torch.float32
    assert batch.shape == (2, 256)
    assert registry.build("transform", registry.spec(transform)) == transform


def test_scale_and_raw():
    assert torch.equal(Scale()(BYTES), torch.arange(256)[None] / 255)
    assert torch.equal(Raw()(BYTES), torch.arange(256.0)[None])
    floats = torch.tensor([[-3.0, 7.5]])
    assert torch.equal(Scale()(floats), floats)


def test_dynamic_binarisation_has_the_pixel_as_its_mean():
    torch.manual_seed(0)
    n = 4000
    draws = DynamicBinarise()(BYTES.expand(n, 256))
    assert set(draws.unique().tolist()) == {0.0, 1.0}
    p = torch.arange(256) / 255
    error = (p * (1 - p) / n).sqrt()
    assert ((draws.mean(0) - p).abs() <= FIVE_SIGMA * error + 1e-12).all()
    assert not torch.equal(draws, DynamicBinarise()(BYTES.expand(n, 256)))


def test_static_binarisation_has_the_pixel_as_its_mean():
    n = 4000
    draws = StaticBinarise().prepare(BYTES.repeat(n, 1))
    assert draws.dtype == torch.uint8
    p = torch.arange(256) / 255
    error = (p * (1 - p) / n).sqrt()
    assert ((draws.float().mean(0) - p).abs() <= FIVE_SIGMA * error + 1e-12).all()


def test_static_binarisation_is_fixed_by_its_seed():
    array = torch.full((10, 784), 128, dtype=torch.uint8)
    a, b, c = (StaticBinarise(seed).prepare(array) for seed in (0, 0, 1))
    assert torch.equal(a, b)
    agree = (a == c).float().mean().item()
    assert agree == pytest.approx(0.5, abs=FIVE_SIGMA * 0.5 / np.sqrt(7840))
    examples = Examples(array, StaticBinarise())
    assert torch.equal(examples[:], examples[:])


def test_static_binarisation_of_floats_and_bools():
    floats = torch.tensor([[0.0, 1.0]])
    assert StaticBinarise().prepare(floats).tolist() == [[0, 1]]
    assert StaticBinarise().prepare(floats.bool()).tolist() == [[0, 1]]


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**31), k=st.integers(0, 255))
def test_dequantised_values_stay_in_their_bin(seed, k):
    torch.manual_seed(seed)
    y = Dequantise()(torch.full((1, 2000), k, dtype=torch.uint8))
    assert (y >= k / 256).all()
    assert (y < (k + 1) / 256).all()


def test_the_largest_draw_stays_in_its_bin(monkeypatch):
    largest = 1 - 2**-24  # of torch.rand in float32
    monkeypatch.setattr(torch, "rand", lambda shape, device=None: torch.full(shape, largest))
    y = Dequantise()(BYTES)
    assert torch.equal((y * 256).floor(), BYTES.float())


def test_dequantisation_is_uniform_within_the_bin():
    torch.manual_seed(0)
    n = 100_000
    u = Dequantise()(torch.full((1, n), 255, dtype=torch.uint8)).double() * 256 - 255
    assert u.mean().item() == pytest.approx(0.5, abs=FIVE_SIGMA / np.sqrt(12 * n))
    assert u.var().item() == pytest.approx(1 / 12, abs=FIVE_SIGMA / np.sqrt(180 * n))


@pytest.mark.parametrize("array", [torch.zeros(2, 2), torch.zeros(2, 2, dtype=torch.bool)])
def test_only_bytes_are_dequantised(array):
    with pytest.raises(BadValue, match="expected uint8"):
        Examples(array, "dequantise")
