"""What every network is: a maker of encoders and decoders for given shapes."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import nn

Shape = tuple[int, ...]


class Network(ABC):
    """Makes the two halves of a VAE."""

    @abstractmethod
    def make_encoder(self, data_shape: Shape, parameter_shape: Shape) -> nn.Module:
        """Return a module that maps [batch, *data_shape] to [batch, *parameter_shape]."""

    @abstractmethod
    def make_decoder(self, latent: int, parameter_shape: Shape) -> nn.Module:
        """Return a module that maps [batch, latent] to [batch, *parameter_shape]."""
