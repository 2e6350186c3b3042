"""What weights start as."""

from __future__ import annotations

from typing import TypeVar

from torch import nn
from torch.nn.modules.conv import _ConvNd

Layer = TypeVar("Layer", bound=nn.Linear | _ConvNd)

# Of a decoder's last layer: the first outputs are the data's mean, whatever z is drawn.
SMALL = 0.1


# W ~ N(0, gain^2 / fan_in), b = 0
def lecun(layer: Layer, fan_in: int, gain: float = 1.0) -> Layer:
    """Return the layer, its outputs as large as its inputs, times the gain.

    Source: LeCun, Bottou, Orr & Mueller 1998, Efficient BackProp, equation 16.

    Args:
        layer: a linear or convolutional one.
        fan_in: number of inputs that make up one output.
        gain: of the layer.

    Example:
        >>> bool(lecun(nn.Linear(100, 2), fan_in=100).bias.any())
        False

    """
    nn.init.normal_(layer.weight, std=gain * fan_in**-0.5)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer
