"""Inverse autoregressive flow as a prior."""

from __future__ import annotations

from torch.distributions import Distribution

from nelbo.distributions.flow import Flow
from nelbo.priors.affine_flow import AffineFlow
from nelbo.priors.base import Prior
from nelbo.registry import register


# z_k = exp(a_k(u_<k)) u_k + m_k(u_<k), u ~ N(0, I), in each layer
@register("prior", "iaf_prior")
class IAFPrior(AffineFlow, Prior):
    """A learned density: layers of it turn noise into latents, each given the noise before it.

    A draw costs one pass a layer, its density as many as there are latents, at every step of
    training: with more than a few latents, `maf` is the better choice.

    Source: Kingma et al. 2016, Improving Variational Inference with Inverse Autoregressive Flow,
    equation 10; the scale is exp(a), a within (-6.9, 6.9), as in zuko.

    Args:
        layers: their number, at least 1.
        hidden: units in each of the two hidden layers of a layer's network; with fewer than there
            are latents, the last latents depend on the first ones only.

    Raises:
        ValueError: a number below 1.
        RuntimeError: zuko is not installed.

    Example:
        >>> prior = IAFPrior(layers=2)
        >>> prior.setup(latent=20)
        >>> prior().sample().shape
        torch.Size([20])

    """

    def forward(self) -> Distribution:
        """Return the flow."""
        return Flow(self.bijection, self.points)
