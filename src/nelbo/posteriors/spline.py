"""Neural spline flow posterior."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor
from torch.distributions import Distribution

from nelbo.checks import count
from nelbo.distributions.autoregressive import Autoregressive, spline_layers
from nelbo.distributions.bijection import Affine, Chain
from nelbo.distributions.flow import Flow, standard_points
from nelbo.posteriors.base import Posterior
from nelbo.registry import register


# z = mu + sigma T(u),   T_k(u) = spline of u_k, whose knots depend on u_<k and h
@register("posterior", "spline")
class Spline(Posterior):
    """Noise bent by monotonic splines, then shifted and scaled as a diagonal Gaussian is.

    The splines come before mu and sigma: they act on [-5, 5] and leave all else alone, and that is
    where noise is, while mu may be anywhere. Draws and their densities cost one pass a layer; the
    density at any other point costs as many passes as there are latents: sticking-the-landing
    estimators pay that at every step. Layers run through the latents in alternating directions.

    Source: Durkan et al. 2019, Neural Spline Flows, sections 3.1 and 3.2 (autoregressive).

    Args:
        layers: their number, at least 1.
        hidden: units in each of the two hidden layers of a layer's network; with fewer than there
            are latents, the last latents depend on the first ones only.
        context: numbers h that the encoder gives to all layers for each example; with 0 all
            examples share one flow.
        bins: of each spline, at least 2.

    Raises:
        ValueError: a number that is too small.
        RuntimeError: zuko is not installed.

    Example:
        >>> import torch
        >>> posterior = Spline(layers=2)
        >>> posterior.setup(latent=20)
        >>> q = posterior(torch.zeros(3, *posterior.parameter_shape(20)))
        >>> q.rsample().shape
        torch.Size([3, 20])

    """

    points: Tensor

    def __init__(self, layers: int = 2, hidden: int = 64, context: int = 16, bins: int = 8) -> None:
        super().__init__()
        self.layers = count("layers", layers, least=1, usual=2)
        self.hidden = count("hidden", hidden, least=1, usual=64)
        self.context = count("context", context, least=0, usual=16)
        self.bins = count("bins", bins, least=2, usual=8)

    def setup(self, latent: int) -> None:
        """Create the networks of the layers."""
        self.register_buffer("points", standard_points(latent), persistent=False)
        self.flow = spline_layers(latent, self.context, self.layers, self.hidden, self.bins)

    def forward(self, parameters: Float[Tensor, "batch parameters"]) -> Distribution:
        """Return q(z|x) for mu, logvar and h."""
        latent = self.points.shape[1]
        mu, logvar, h = parameters.tensor_split((latent, 2 * latent), dim=1)
        flow = Autoregressive(self.flow(h if self.context else None))
        return Flow(Chain(flow, Affine(mu, logvar)), self.points, parameters.shape[:1])

    def parameter_shape(self, latent: int) -> tuple[int, ...]:
        """Return (2 latent + context,)."""
        return (2 * latent + self.context,)
