"""Multilayer perceptron: the network of the question."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from torch import nn

from nelbo.checks import sizes
from nelbo.networks.activation import activation
from nelbo.networks.base import Network, Shape
from nelbo.networks.dense import dense
from nelbo.registry import register

# the way out, for those whose data another network does not fit
ANY_SHAPE = "Use the network 'mlp', which takes any shape."


@register("network", "mlp")
@dataclass(frozen=True)
class MLP(Network):
    """Fully connected layers; the decoder has the encoder's sizes in reverse.

    Weights start as N(0, 1/fan_in) and biases at 0 (LeCun et al. 1998), as in Chainer.

    Args:
        hidden: sizes of the encoder's hidden layers; () makes both halves affine.
        activation: name of an activation of `torch.nn`, in any case ("tanh", "relu", "silu").

    Example:
        >>> import torch
        >>> encoder = MLP(hidden=(500, 500)).make_encoder((1, 28, 28), (2, 20))
        >>> encoder(torch.zeros(3, 1, 28, 28)).shape
        torch.Size([3, 2, 20])

    """

    hidden: tuple[int, ...] = (500, 500)
    activation: str = "tanh"

    def __post_init__(self) -> None:
        object.__setattr__(self, "hidden", sizes("hidden", self.hidden, "(500, 500)"))
        activation(self.activation)

    def make_encoder(self, data_shape: Shape, parameter_shape: Shape) -> nn.Module:
        """Return the encoder, data to the posterior's parameters."""
        return dense(data_shape, self.hidden, parameter_shape, self._activation)

    def make_decoder(self, latent: int, parameter_shape: Shape) -> nn.Module:
        """Return the decoder, latents to the likelihood's parameters."""
        return dense((latent,), self.hidden[::-1], parameter_shape, self._activation)

    @property
    def _activation(self) -> partial[nn.Module]:
        return partial(activation, self.activation)
