"""Standard Gaussian prior."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent, Normal

from nelbo.priors.base import Prior
from nelbo.registry import register


# p(z) = N(z; 0, I)
@register("prior", "standard")
class Standard(Prior):
    """Independent latents of mean 0 and variance 1.

    Source: Kingma & Welling 2014, Auto-Encoding Variational Bayes, section 3.

    Example:
        >>> prior = Standard()
        >>> prior.setup(latent=20)
        >>> prior().event_shape
        torch.Size([20])

    """

    zero: Tensor
    one: Tensor

    def setup(self, latent: int) -> None:
        """Create the mean and the deviation, [latent]."""
        self.register_buffer("zero", torch.zeros(latent), persistent=False)
        self.register_buffer("one", torch.ones(latent), persistent=False)

    def forward(self) -> Distribution:
        """Return N(0, I)."""
        features = Normal(self.zero, self.one, validate_args=False)
        return Independent(features, 1, validate_args=False)
