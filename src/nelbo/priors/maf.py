"""Masked autoregressive flow as a prior."""

from __future__ import annotations

from torch import Tensor
from torch.distributions import Distribution

from nelbo.checks import count
from nelbo.distributions.autoregressive import Autoregressive, affine_layers
from nelbo.distributions.bijection import Inverse
from nelbo.distributions.flow import Flow, standard_points
from nelbo.priors.base import Prior
from nelbo.registry import register


# u_k = exp(a_k(z_<k)) z_k + m_k(z_<k), u ~ N(0, I), in each layer
@register("prior", "maf")
class MAF(Prior):
    """A learned density: layers of it turn latents into noise, each given those before it.

    Its density costs one pass a layer, a draw as many as there are latents: right for training.
    `iaf_prior` has it the other way round.

    Source: Papamakarios et al. 2017, Masked Autoregressive Flow for Density Estimation, equations
    3 and 4; as a prior, Chen et al. 2017, Variational Lossy Autoencoder, section 3.2.

    Args:
        layers: their number, at least 1.
        hidden: units in each of the two hidden layers of a layer's network; with fewer than there
            are latents, the last latents depend on the first ones only.

    Raises:
        ValueError: a number below 1.
        RuntimeError: zuko is not installed.

    Example:
        >>> prior = MAF(layers=2)
        >>> prior.setup(latent=20)
        >>> prior().sample().shape
        torch.Size([20])

    """

    points: Tensor

    def __init__(self, layers: int = 3, hidden: int = 64) -> None:
        super().__init__()
        self.layers = count("layers", layers, least=1, usual=3)
        self.hidden = count("hidden", hidden, least=1, usual=64)

    def setup(self, latent: int) -> None:
        """Create the networks of the layers."""
        self.register_buffer("points", standard_points(latent), persistent=False)
        self.flow = affine_layers(latent, 0, self.layers, self.hidden)

    def forward(self) -> Distribution:
        """Return the flow."""
        return Flow(Inverse(Autoregressive(self.flow(None))), self.points)
