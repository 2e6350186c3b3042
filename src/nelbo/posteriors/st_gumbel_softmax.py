"""Straight-through Gumbel-softmax posterior: categorical latents."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor
from torch.distributions import Distribution

from nelbo.distributions.one_hot import StraightThrough, one_hot_vectors
from nelbo.posteriors.base import Posterior
from nelbo.posteriors.grouped import Grouped
from nelbo.registry import register


# z_g = one_hot(argmax_c [l_g(x) + Gumbel noise]_c),   with the gradient of softmax((...) / t)
@register("posterior", "st_gumbel_softmax")
class STGumbelSoftmax(Grouped, Posterior):
    """Categorical latents: groups of categories, each group a one-hot vector.

    The encoder's output is the logits. Draws, masses and the KL are exact, so that what 'elbo' and
    'iwae' report are bounds on log p(x). Gradients through the draws are biased: they are those of
    relaxed draws, as 'concrete' has them. A smaller temperature leaves less bias, never none, and
    more noise. The prior is 'uniform_categorical', of as many categories.

    Source: Jang, Gu & Poole 2017, Categorical reparameterization with Gumbel-softmax, section 2.2.

    Args:
        categories: of each group; the number of latents is a multiple of it.
        temperature: t of the gradient, positive.

    Raises:
        ValueError: fewer than two categories, a temperature that is not positive, or (when the
            model is built) latents that are not whole groups.

    Example:
        >>> import torch
        >>> q = STGumbelSoftmax(categories=5)(torch.zeros(3, 10))
        >>> q.rsample().unique()
        tensor([0., 1.])

    """

    base_measure_of = staticmethod(one_hot_vectors)

    def forward(self, parameters: Float[Tensor, "batch latent"]) -> Distribution:
        """Return q(z|x) for logits, [batch, groups * categories]."""
        return StraightThrough(parameters.unflatten(-1, (-1, self.categories)), self.temperature)
