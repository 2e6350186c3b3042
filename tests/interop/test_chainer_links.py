"""`Linear` and `Chain`: Chainer's initial weights and type checks, on torch modules."""

import copy
import pickle

import numpy as np
import pytest
import torch

import nelbo.interop.chainer as chainer
import nelbo.interop.chainer.links as L
from nelbo.rng import seeded


def test_weights_start_as_chainers():
    with seeded(0):
        layer = L.Linear(400, 1000)
    weights = layer.weight.detach().double()
    assert abs(weights.std() * 20 - 1) < 4 / (2 * weights.numel()) ** 0.5  # four standard errors
    assert abs(weights.mean() * 20) < 4 / weights.numel() ** 0.5
    assert not layer.bias.any()
    assert L.Linear(4, 2, nobias=True).bias is None


def test_a_layer_joins_axes_and_takes_the_dtype_of_its_weights():
    layer, x = L.Linear(12, 2), np.arange(24.0).reshape(2, 3, 4)
    torch.testing.assert_close(layer(x), layer(x.reshape(2, 12).astype("float32")))
    assert layer(np.zeros((0, 12))).shape == (0, 2)
    for wrong in (np.zeros(12), np.zeros((2, 11)), np.zeros((12, 2, 3))):
        with pytest.raises(ValueError, match=r"x: expected shape \[batch, 12\]"):
            layer(wrong)
    with pytest.raises(TypeError, match="x: expected the dtype of the weights"):
        layer(torch.zeros(2, 12, dtype=torch.float64))
    with pytest.raises(TypeError, match="divide pixels"):
        layer(np.zeros((2, 12), dtype="uint8"))


def test_sizes_and_sample_counts_are_checked():
    with pytest.raises(ValueError, match="out_size: expected an integer"):
        L.Linear(12)
    with pytest.raises(ValueError, match="in_size: expected an integer of at least 1, got 0"):
        chainer.VAE(0, 2, 8)
    with pytest.raises(ValueError, match="k: expected an integer of at least 1, got 0"):
        chainer.VAE(4, 2, 8).get_loss_func(k=0)
    with pytest.raises(ValueError, match=r"expected the shape of x, \[3, 2, 2\]"):
        chainer.VAE(4, 2, 8).get_loss_func()(np.zeros((3, 2, 2)))


def test_a_trained_model_can_be_copied_and_its_gradients_forgotten():
    model = chainer.VAE(4, 2, 8)
    model.get_loss_func()(np.ones((3, 4))).backward()
    twin = copy.deepcopy(model)
    assert twin.loss == model.loss
    torch.testing.assert_close(pickle.loads(pickle.dumps(model)).state_dict(), model.state_dict())
    model.cleargrads()
    assert all(p.grad is None for p in model.parameters())


def test_links_may_be_given_by_name():
    chain = chainer.Chain(le1=L.Linear(4, 2))
    assert chain.le1(np.zeros((1, 4))).shape == (1, 2)
