"""Learned mixture of Gaussians as a prior."""

from __future__ import annotations

import torch
from torch import nn
from torch.distributions import Distribution

from nelbo.checks import count
from nelbo.distributions.gaussian_mixture import GaussianMixture
from nelbo.priors.base import Prior
from nelbo.registry import register


# p(z) = sum_k pi_k N(z; m_k, diag(s_k^2)),   pi, m and s learned
@register("prior", "mixture")
class Mixture(Prior):
    """Clusters of latents: a mixture of diagonal Gaussians, of which everything is learned.

    The means start at draws of N(0, I), so that the components differ, with unit variances and
    equal weights.

    Source: Dilokthanakul et al. 2016, Deep Unsupervised Clustering with Gaussian Mixture
    Variational Autoencoders; as a prior by itself, Tomczak & Welling 2018, equation 8.

    Args:
        components: their number, at least 1.

    Raises:
        ValueError: no component.

    Example:
        >>> prior = Mixture(components=10)
        >>> prior.setup(latent=20)
        >>> prior().sample().shape
        torch.Size([20])

    """

    def __init__(self, components: int = 10) -> None:
        super().__init__()
        self.components = count("components", components, least=1, usual=10)

    def setup(self, latent: int) -> None:
        """Create weights, means and variances."""
        self.logits = nn.Parameter(torch.zeros(self.components))
        self.mean = nn.Parameter(torch.randn(self.components, latent))
        self.logvar = nn.Parameter(torch.zeros(self.components, latent))

    def forward(self) -> Distribution:
        """Return the mixture."""
        return GaussianMixture(self.logits, self.mean, torch.exp(0.5 * self.logvar))
