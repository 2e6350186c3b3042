"""Diagonal Gaussian posterior."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Distribution, Independent, Normal

from nelbo.posteriors.base import Posterior
from nelbo.registry import register


# q(z|x) = prod_k N(z_k; mu_k(x), exp(logvar_k(x)))
@register("posterior", "diagonal")
class Diagonal(Posterior):
    """A Gaussian with independent latents; the encoder's output is (mu, logvar).

    Source: Kingma & Welling 2014, Auto-Encoding Variational Bayes, equation 9.

    Example:
        >>> q = Diagonal()(torch.zeros(3, 2, 20))
        >>> q.rsample().shape
        torch.Size([3, 20])

    """

    def forward(self, parameters: Float[Tensor, "batch two latent"]) -> Distribution:
        """Return q(z|x) for [batch, (mu, logvar), latent]."""
        mu, logvar = parameters.unbind(1)
        features = Normal(mu, torch.exp(0.5 * logvar), validate_args=False)
        return Independent(features, 1, validate_args=False)

    def parameter_shape(self, latent: int) -> tuple[int, ...]:
        """Return (2, latent): a mean and a logarithm of the variance for each latent."""
        return (2, latent)
