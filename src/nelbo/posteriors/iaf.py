"""Inverse autoregressive flow posterior."""

from __future__ import annotations

from torch import nn

from nelbo.distributions.autoregressive import affine_layers
from nelbo.distributions.bijection import Affine, Bijection, Chain
from nelbo.posteriors.base import Posterior
from nelbo.posteriors.networked import Networked
from nelbo.registry import register


# z_t,k = exp(a_k(z_t-1,<k, h)) z_t-1,k + m_k(z_t-1,<k, h)
@register("posterior", "iaf")
class IAF(Networked, Posterior):
    """A diagonal Gaussian through layers that shift and scale each latent given those before it.

    Draws and their densities cost one pass a layer. The density at any other point costs as many
    passes as there are latents: sticking-the-landing estimators pay that at every step. Layers run
    through the latents in alternating directions.

    Source: Kingma et al. 2016, Improving Variational Inference with Inverse Autoregressive Flow,
    equations 10 and 11; the scale is exp(a), a within (-6.9, 6.9), as in zuko.

    Args:
        layers: their number, at least 1.
        hidden: units in each of the two hidden layers of a layer's network; with fewer than there
            are latents, the last latents depend on the first ones only.
        context: numbers h that the encoder gives to all layers for each example; with 0 all
            examples share one flow.

    Raises:
        ValueError: a number that is too small.
        RuntimeError: zuko is not installed.

    Example:
        >>> import torch
        >>> posterior = IAF(layers=2)
        >>> posterior.setup(latent=20)
        >>> q = posterior(torch.zeros(3, *posterior.parameter_shape(20)))
        >>> q.rsample().shape
        torch.Size([3, 20])

    """

    def __init__(self, layers: int = 2, hidden: int = 64, context: int = 16) -> None:
        super().__init__(layers, hidden, context)

    def networks(self, latent: int) -> nn.Module:
        """Return layers that shift and scale."""
        return affine_layers(latent, self.context, self.layers, self.hidden)

    def chained(self, flow: Bijection, affine: Affine) -> Bijection:
        """Return the diagonal Gaussian, then the networks."""
        return Chain(affine, flow)
