"""Gated multilayer perceptron."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from nelbo.checks import sizes
from nelbo.distributions.weights import SMALL
from nelbo.networks.base import Network, Shape
from nelbo.networks.dense import dense
from nelbo.registry import register


# h = (W x + b) * sigmoid(V x + c)
@register("network", "gated")
@dataclass(frozen=True)
class Gated(Network):
    """Fully connected layers, each output times a gate; the decoder has the sizes in reverse.

    Source: Dauphin, Fan, Auli & Grangier 2017, Language modeling with gated convolutional networks,
    equation 1; sizes of Tomczak & Welling 2018, VAE with a VampPrior, section 4.

    Args:
        hidden: sizes of the encoder's hidden layers.

    Example:
        >>> import torch
        >>> decoder = Gated(hidden=(300, 300)).make_decoder(40, (1, 28, 28))
        >>> decoder(torch.zeros(3, 40)).shape
        torch.Size([3, 1, 28, 28])

    """

    hidden: tuple[int, ...] = (300, 300)

    def __post_init__(self) -> None:
        object.__setattr__(self, "hidden", sizes("hidden", self.hidden, "(300, 300)"))

    def make_encoder(self, data_shape: Shape, parameter_shape: Shape) -> nn.Module:
        """Return the encoder, data to the posterior's parameters."""
        return dense(data_shape, self.hidden, parameter_shape, nn.GLU, width=2)

    def make_decoder(self, latent: int, parameter_shape: Shape) -> nn.Module:
        """Return the decoder, latents to the likelihood's parameters."""
        hidden = self.hidden[::-1]
        return dense((latent,), hidden, parameter_shape, nn.GLU, width=2, last=SMALL)
