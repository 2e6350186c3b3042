"""Neural spline flow posterior."""

from __future__ import annotations

from torch import nn

from nelbo.checks import count
from nelbo.distributions.autoregressive import spline_layers
from nelbo.distributions.bijection import Affine, Bijection, Chain
from nelbo.posteriors.base import Posterior
from nelbo.posteriors.networked import Networked
from nelbo.registry import register


# z = mu + sigma T(u),   T_k(u) = spline of u_k, whose knots depend on u_<k and h
@register("posterior", "spline")
class Spline(Networked, Posterior):
    """Noise bent by monotonic splines, then shifted and scaled as a diagonal Gaussian is.

    The splines come before mu and sigma: they act on [-5, 5] and leave all else alone, and that is
    where noise is, while mu may be anywhere. Draws and their densities cost one pass a layer; the
    density at any other point costs as many passes as there are latents: sticking-the-landing
    estimators pay that at every step. Layers run through the latents in alternating directions.

    Source: Durkan et al. 2019, Neural Spline Flows, sections 3.1 and 3.2 (autoregressive).

    Args:
        layers: how many splines each latent goes through, at least 1.
        bins: of each spline, at least 2.
        hidden: units in each of a network's two hidden layers; a latent depends on all before it
            where there are no fewer units than latents.
        context: numbers h of the encoder for each example, at least 0.

    Raises:
        ValueError: a number that is too small.
        RuntimeError: zuko is not installed.

    Example:
        >>> Spline(context=16).parameter_shape(latent=20)
        (56,)

    """

    def __init__(self, layers: int = 2, hidden: int = 64, context: int = 16, bins: int = 8) -> None:
        super().__init__(layers, hidden, context)
        self.bins = count("bins", bins, least=2, usual=8)

    def networks(self, latent: int) -> nn.Module:
        """Return layers that are splines."""
        return spline_layers(latent, self.context, self.layers, self.hidden, self.bins)

    def chained(self, flow: Bijection, affine: Affine) -> Bijection:
        """Return the networks, then the diagonal Gaussian."""
        return Chain(flow, affine)
