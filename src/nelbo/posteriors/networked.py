"""What flow posteriors share whose layers are networks of the latents before."""

from __future__ import annotations

from abc import ABC, abstractmethod

from jaxtyping import Float
from torch import Tensor, nn
from torch.distributions import Distribution

from nelbo.checks import count
from nelbo.distributions.autoregressive import Autoregressive
from nelbo.distributions.bijection import Affine, Bijection
from nelbo.distributions.flow import Flow, standard_points


class Networked(nn.Module, ABC):
    """Networks that all examples share, told apart by a context, and a shift and scale of each.

    Args:
        layers: their number, at least 1.
        hidden: units in each of the two hidden layers of a layer's network.
        context: numbers h that the encoder gives to all layers for each example.

    Raises:
        ValueError: a number that is too small.

    """

    points: Tensor
    flow: nn.Module

    def __init__(self, layers: int, hidden: int, context: int) -> None:
        super().__init__()
        self.layers = count("layers", layers, least=1, usual=2)
        self.hidden = count("hidden", hidden, least=1, usual=64)
        self.context = count("context", context, least=0, usual=16)

    @abstractmethod
    def networks(self, latent: int) -> nn.Module:
        """Return the networks of the layers."""

    @abstractmethod
    def chained(self, flow: Bijection, affine: Affine) -> Bijection:
        """Return the networks' bijection and the shift and scale, one after the other."""

    def setup(self, latent: int) -> None:
        """Create the networks of the layers."""
        self.register_buffer("points", standard_points(latent), persistent=False)
        self.flow = self.networks(latent)

    def forward(self, parameters: Float[Tensor, "batch parameters"]) -> Distribution:
        """Return q(z|x) for mu, logvar and h."""
        latent = self.points.shape[1]
        mu, logvar, h = parameters.tensor_split((latent, 2 * latent), dim=1)
        flow = Autoregressive(self.flow(h if self.context else None))
        chained = self.chained(flow, Affine(mu, logvar))
        return Flow(chained, self.points, parameters.shape[:1])

    def parameter_shape(self, latent: int) -> tuple[int, ...]:
        """Return (2 latent + context,)."""
        return (2 * latent + self.context,)
