"""The gated multilayer perceptron."""

import numpy as np
import pytest
import torch
from scipy.special import expit
from torch import nn

from nelbo.errors import BadValue
from nelbo.networks import Gated
from nelbo.rng import seeded


def test_a_layer_is_the_papers_equation():
    """(W x + b) * sigmoid(V x + c), W and b the first half of the linear layer."""
    with seeded(0):
        encoder = Gated(hidden=(5,)).make_encoder((4,), (2, 3)).double()
        x = torch.randn(6, 4, dtype=torch.float64)
    hidden, output = (m for m in encoder if isinstance(m, nn.Linear))
    nn.init.uniform_(hidden.bias)
    (w, v), (b, c) = (np.split(p.detach().numpy(), 2) for p in hidden.parameters())
    h = (x.numpy() @ w.T + b) * expit(x.numpy() @ v.T + c)
    expected = h @ output.weight.detach().numpy().T + output.bias.detach().numpy()
    np.testing.assert_allclose(encoder(x).detach().numpy().reshape(6, 6), expected, rtol=1e-6)


def test_hidden_sizes_are_positive():
    with pytest.raises(BadValue, match="hidden: expected positive integers"):
        Gated(hidden=(300, 0))
