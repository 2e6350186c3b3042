"""Concrete posterior: relaxed categorical latents."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor
from torch.distributions import Distribution

from nelbo.distributions.simplex import Concrete, simplices
from nelbo.posteriors.grouped import Grouped
from nelbo.registry import register


# z_g = softmax((l_g(x) + Gumbel noise) / t),  z = (z_1, ..., z_G)
@register("posterior", "concrete")
class ConcretePosterior(Grouped):
    """Relaxed categorical latents: groups of categories, each group nearly one-hot.

    The latents are the groups' probabilities side by side; the encoder's output is their logits.
    log q and log p are those of the relaxed latents, so that the bound is one on log p(x). The
    prior is 'relaxed_uniform', of as many categories.

    Source: Maddison, Mnih & Teh 2017, The Concrete distribution, equation 22; Jang, Gu & Poole
    2017, Categorical reparameterization with Gumbel-softmax.

    Args:
        categories: of each group; the number of latents is a multiple of it.
        temperature: t, positive: draws are the nearer to one-hot, and gradients the noisier, the
            smaller it is.

    Raises:
        ValueError: fewer than two categories, a temperature that is not positive, or (when the
            model is built) latents that are not whole groups.

    Example:
        >>> import torch
        >>> q = ConcretePosterior(categories=5)(torch.zeros(3, 10))
        >>> q.rsample().unflatten(-1, (2, 5)).sum(-1).round(decimals=4)
        tensor([[1., 1.],
                [1., 1.],
                [1., 1.]])

    """

    base_measure_of = staticmethod(simplices)

    def forward(self, parameters: Float[Tensor, "batch latent"]) -> Distribution:
        """Return q(z|x) for logits, [batch, groups * categories]."""
        return Concrete(parameters.unflatten(-1, (-1, self.categories)), self.temperature)
