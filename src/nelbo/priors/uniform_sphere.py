"""Uniform prior on the sphere."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.distributions import Distribution

from nelbo.distributions.sphere import SPHERE, UniformOnSphere, require_sphere
from nelbo.priors.base import Prior
from nelbo.registry import register


# p(z) = Gamma(K/2) / (2 pi^(K/2)) on S^(K-1)
@register("prior", "uniform_sphere")
class UniformSphere(Prior):
    """Every direction alike: latents on the unit sphere, without a centre to be drawn to.

    Source: Davidson et al. 2018, Hyperspherical variational auto-encoders, section 3.3.

    Raises:
        ValueError: fewer than two latents (when the model is built).

    Example:
        >>> prior = UniformSphere()
        >>> prior.setup(latent=3)
        >>> prior().sample().norm().round(decimals=4)
        tensor(1.)

    """

    base_measure = SPHERE
    zero: Tensor

    def setup(self, latent: int) -> None:
        """Note the number of latents."""
        require_sphere(latent)
        self.register_buffer("zero", torch.zeros(latent), persistent=False)

    def forward(self) -> Distribution:
        """Return the uniform distribution."""
        return UniformOnSphere(self.zero)
