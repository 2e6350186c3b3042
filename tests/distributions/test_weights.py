"""What weights start as: outputs as large as inputs."""

import pytest
import torch
from torch import nn

from nelbo.distributions.weights import lecun
from nelbo.rng import seeded


@pytest.mark.parametrize(
    ("layer", "fan_in"),
    [
        (nn.Linear(300, 200), 300),
        (nn.Conv2d(20, 30, 4, 2, padding=1), 20 * 16),
        (nn.ConvTranspose2d(20, 30, 4, 2, padding=1), 20 * 4),
    ],
)
@pytest.mark.parametrize("gain", [1.0, 0.1])
def test_weights_have_the_variance_of_the_paper(layer, fan_in, gain):
    """gain^2 / fan_in, within five standard errors; biases are 0."""
    with seeded(0):
        weight = lecun(layer, fan_in, gain).weight.detach().double()
    assert abs(float(weight.var()) * fan_in / gain**2 - 1) < 5 * (2 / weight.numel()) ** 0.5
    assert not layer.bias.any()


def test_a_layer_need_not_have_a_bias():
    assert lecun(nn.Linear(3, 2, bias=False), 3).bias is None


def test_the_fan_in_of_a_transposed_convolution_counts_what_reaches_one_output():
    layer = nn.ConvTranspose2d(3, 1, 4, 2, padding=1, bias=False)
    nn.init.ones_(layer.weight)
    inside = layer(torch.ones(1, 3, 6, 6)).detach()[0, 0, 3, 3]
    assert float(inside) == 3 * (4 // 2) ** 2
