"""What the autoregressive flows among the priors share."""

from __future__ import annotations

from torch import Tensor, nn

from nelbo.checks import count
from nelbo.distributions.autoregressive import Autoregressive, affine_layers
from nelbo.distributions.flow import standard_points


class AffineFlow(nn.Module):
    """Networks that shift and scale each latent given those before it, without a context.

    Args:
        layers: their number, at least 1.
        hidden: units in each of the two hidden layers of a layer's network.

    Raises:
        ValueError: a number below 1.

    """

    points: Tensor
    flow: nn.Module

    def __init__(self, layers: int = 3, hidden: int = 64) -> None:
        super().__init__()
        self.layers = count("layers", layers, least=1, usual=3)
        self.hidden = count("hidden", hidden, least=1, usual=64)

    def setup(self, latent: int) -> None:
        """Create the networks of the layers."""
        self.register_buffer("points", standard_points(latent), persistent=False)
        self.flow = affine_layers(latent, 0, self.layers, self.hidden)

    @property
    def bijection(self) -> Autoregressive:
        """The networks' bijection: forwards in one pass."""
        return Autoregressive(self.flow(None))
