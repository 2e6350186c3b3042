"""Uniform prior of relaxed categorical latents."""

from __future__ import annotations

from torch import Tensor
from torch.distributions import Distribution

from nelbo import checks
from nelbo.distributions.simplex import Concrete, equal_logits, require_temperature, simplices
from nelbo.priors.base import Prior
from nelbo.registry import register


# z_g = softmax(Gumbel noise / t)
@register("prior", "relaxed_uniform")
class RelaxedUniform(Prior):
    """Groups of relaxed categories, all alike.

    Source: Maddison, Mnih & Teh 2017, The Concrete distribution, equation 22 and appendix C.3,
    where the prior's temperature is another than the posterior's.

    Args:
        categories: of each group, as many as the posterior has.
        temperature: positive; 0.5 allows more of the space between the corners than 0.1.

    Raises:
        ValueError: fewer than two categories, a temperature that is not positive, or (when the
            model is built) latents that are not whole groups.

    Example:
        >>> prior = RelaxedUniform(categories=5)
        >>> prior.setup(latent=10)
        >>> prior().event_shape
        torch.Size([10])

    """

    zero: Tensor

    def __init__(self, categories: int = 10, temperature: float = 0.5) -> None:
        super().__init__()
        self.categories = checks.count("categories", categories, least=2, usual=10)
        self.temperature = require_temperature(temperature)
        self.base_measure = simplices(categories)

    def setup(self, latent: int) -> None:
        """Create equal logits, [groups, categories]."""
        self.register_buffer("zero", equal_logits(latent, self.categories), persistent=False)

    def forward(self) -> Distribution:
        """Return p(z)."""
        return Concrete(self.zero, self.temperature)
