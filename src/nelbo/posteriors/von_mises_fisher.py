"""Von Mises-Fisher posterior, on the sphere."""

from __future__ import annotations

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Distribution

from nelbo.distributions.directions import unit
from nelbo.distributions.sphere import SPHERE, VonMisesFisher, require_sphere
from nelbo.posteriors.base import Posterior
from nelbo.registry import register


# q(z|x) = C(kappa) exp(kappa mu'z) on S^(K-1),  mu = f / |f|,  kappa = 1 + softplus(g)
@register("posterior", "von_mises_fisher")
class VonMisesFisherPosterior(Posterior):
    """A direction and its concentration, for latents on the unit sphere.

    The encoder's output is (f, g): a vector whose direction counts, and a number. No concentration
    is below 1, as in the paper, so that the KL is never quite 0. Its mean is A mu, inside the
    sphere. The prior is 'uniform_sphere', with which the KL is closed.

    Source: Davidson, Falorsi, De Cao, Kipf & Tomczak 2018, Hyperspherical variational
    auto-encoders, section 3.

    Raises:
        ValueError: fewer than two latents (when the model is built).

    Example:
        >>> import torch
        >>> q = VonMisesFisherPosterior()(torch.zeros(5, 4))
        >>> q.rsample().norm(dim=-1).round(decimals=4)
        tensor([1., 1., 1., 1., 1.])

    """

    base_measure = SPHERE

    def forward(self, parameters: Float[Tensor, "batch parameters"]) -> Distribution:
        """Return q(z|x) for [batch, (f, g)]."""
        return VonMisesFisher(unit(parameters[:, :-1]), 1.0 + F.softplus(parameters[:, -1]))

    def parameter_shape(self, latent: int) -> tuple[int, ...]:
        """Return (latent + 1,): a vector and a number."""
        return (latent + 1,)

    def setup(self, latent: int) -> None:
        """Refuse a single latent."""
        require_sphere(latent)
