"""What flow posteriors share whose layers the encoder gives, anew for each example."""

from __future__ import annotations

from abc import ABC, abstractmethod

from jaxtyping import Float
from torch import Tensor, nn
from torch.distributions import Distribution

from nelbo.checks import count
from nelbo.distributions.bijection import Affine, Bijection, Chain
from nelbo.distributions.flow import Flow, standard_points


class Layered(nn.Module, ABC):
    """A diagonal Gaussian through layers, all of whose numbers are the encoder's output.

    Args:
        layers: their number, at least 1.

    Raises:
        ValueError: fewer than one layer.

    """

    points: Tensor

    def __init__(self, layers: int = 10) -> None:
        super().__init__()
        self.layers = count("layers", layers, least=1, usual=10)

    @abstractmethod
    def sizes(self, latent: int) -> tuple[int, ...]:
        """Return how many numbers each part of a layer has."""

    @abstractmethod
    def layer(self, *parts: Tensor) -> Bijection:
        """Return the layer of these parts, each [batch, size]."""

    def setup(self, latent: int) -> None:
        """Create the points at which the moments are estimated."""
        self.register_buffer("points", standard_points(latent), persistent=False)

    def forward(self, parameters: Float[Tensor, "batch parameters"]) -> Distribution:
        """Return q(z|x) for mu, logvar, and the parts of each layer."""
        latent = self.points.shape[1]
        mu, logvar, rest = parameters.tensor_split((latent, 2 * latent), dim=1)
        each = (part.split(self.sizes(latent), dim=1) for part in rest.chunk(self.layers, dim=1))
        layers = [self.layer(*parts) for parts in each]
        return Flow(Chain(Affine(mu, logvar), *layers), self.points, parameters.shape[:1])

    def parameter_shape(self, latent: int) -> tuple[int, ...]:
        """Return (2 latent + layers x the numbers of one,)."""
        return (2 * latent + self.layers * sum(self.sizes(latent)),)
