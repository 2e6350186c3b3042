"""Masked autoregressive flow as a prior."""

from __future__ import annotations

from torch.distributions import Distribution

from nelbo.distributions.bijection import Inverse
from nelbo.distributions.flow import Flow
from nelbo.priors.affine_flow import AffineFlow
from nelbo.priors.base import Prior
from nelbo.registry import register


# u_k = exp(a_k(z_<k)) z_k + m_k(z_<k), u ~ N(0, I), in each layer
@register("prior", "maf")
class MAF(AffineFlow, Prior):
    """A learned density: layers of it turn latents into noise, each given those before it.

    Its density costs one pass a layer, a draw as many as there are latents: right for training.
    `iaf_prior` has it the other way round.

    Source: Papamakarios et al. 2017, Masked Autoregressive Flow for Density Estimation, equations
    3 and 4; as a prior, Chen et al. 2017, Variational Lossy Autoencoder, section 3.2.

    Args:
        layers: how often all latents are shifted and scaled, at least 1.
        hidden: units in each of a network's two hidden layers; a latent depends on all before it
            where there are no fewer units than latents.

    Raises:
        ValueError: a number below 1.
        RuntimeError: zuko is not installed.

    Example:
        >>> import torch
        >>> prior = MAF(layers=2)
        >>> prior.setup(latent=20)
        >>> prior().log_prob(torch.zeros(3, 20)).shape
        torch.Size([3])

    """

    def forward(self) -> Distribution:
        """Return the flow."""
        return Flow(Inverse(self.bijection), self.points)
