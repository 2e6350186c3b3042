"""No posterior at all: the encoder's output is the latents."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor
from torch.distributions import Distribution

from nelbo.distributions.point import Point
from nelbo.posteriors.base import Posterior
from nelbo.registry import register


# q(z|x) = delta(z - f(x))
@register("posterior", "deterministic")
class Deterministic(Posterior):
    """A point for every example, as in an autoencoder: without a density, a KL or an ELBO.

    Source: Tolstikhin, Bousquet, Gelly & Schoelkopf 2018, Wasserstein auto-encoders, section 2;
    Ghosh, Sajjadi, Vergari, Black & Schoelkopf 2020, From variational to deterministic
    autoencoders, section 3.

    Example:
        >>> import torch
        >>> q = Deterministic()(torch.zeros(3, 20))
        >>> q.has_density
        False

    """

    def forward(self, parameters: Float[Tensor, "batch latent"]) -> Distribution:
        """Return the point at the encoder's output."""
        return Point(parameters)

    def parameter_shape(self, latent: int) -> tuple[int, ...]:
        """Return (latent,)."""
        return (latent,)
