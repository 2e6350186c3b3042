"""Uniform prior of categorical latents."""

from __future__ import annotations

from torch import Tensor
from torch.distributions import Distribution

from nelbo import checks
from nelbo.distributions.one_hot import OneHots, one_hot_vectors
from nelbo.distributions.simplex import equal_logits
from nelbo.priors.base import Prior
from nelbo.registry import register


# p(z) = C^-G  for G one-hot vectors of C categories
@register("prior", "uniform_categorical")
class UniformCategorical(Prior):
    """Groups of categories, as one-hot vectors, all equally likely.

    Source: Jang, Gu & Poole 2017, Categorical reparameterization with Gumbel-softmax, section 4.2.

    Args:
        categories: of each group, as many as the posterior has.

    Raises:
        ValueError: fewer than two categories, or (when the model is built) latents that are not
            whole groups.

    Example:
        >>> prior = UniformCategorical(categories=5)
        >>> prior.setup(latent=10)
        >>> prior().sample().sum()
        tensor(2.)

    """

    zero: Tensor

    def __init__(self, categories: int = 10) -> None:
        super().__init__()
        self.categories = checks.count("categories", categories, least=2, usual=10)
        self.base_measure = one_hot_vectors(categories)

    def setup(self, latent: int) -> None:
        """Create equal logits, [groups, categories]."""
        self.register_buffer("zero", equal_logits(latent, self.categories), persistent=False)

    def forward(self) -> Distribution:
        """Return p(z)."""
        return OneHots(self.zero)
