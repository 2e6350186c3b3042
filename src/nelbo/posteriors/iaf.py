"""Inverse autoregressive flow posterior."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor
from torch.distributions import Distribution

from nelbo.checks import count
from nelbo.distributions.autoregressive import Autoregressive, affine_layers
from nelbo.distributions.bijection import Affine, Chain
from nelbo.distributions.flow import Flow, standard_points
from nelbo.posteriors.base import Posterior
from nelbo.registry import register


# z_t,k = exp(a_k(z_t-1,<k, h)) z_t-1,k + m_k(z_t-1,<k, h)
@register("posterior", "iaf")
class IAF(Posterior):
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

    points: Tensor

    def __init__(self, layers: int = 2, hidden: int = 64, context: int = 16) -> None:
        super().__init__()
        self.layers = count("layers", layers, least=1, usual=2)
        self.hidden = count("hidden", hidden, least=1, usual=64)
        self.context = count("context", context, least=0, usual=16)

    def setup(self, latent: int) -> None:
        """Create the networks of the layers."""
        self.register_buffer("points", standard_points(latent), persistent=False)
        self.flow = affine_layers(latent, self.context, self.layers, self.hidden)

    def forward(self, parameters: Float[Tensor, "batch parameters"]) -> Distribution:
        """Return q(z|x) for mu, logvar and h."""
        latent = self.points.shape[1]
        mu, logvar, h = parameters.tensor_split((latent, 2 * latent), dim=1)
        flow = Autoregressive(self.flow(h if self.context else None))
        return Flow(Chain(Affine(mu, logvar), flow), self.points, parameters.shape[:1])

    def parameter_shape(self, latent: int) -> tuple[int, ...]:
        """Return (2 latent + context,)."""
        return (2 * latent + self.context,)
