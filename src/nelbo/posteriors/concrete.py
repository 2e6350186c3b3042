"""Concrete posterior: relaxed categorical latents."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor
from torch.distributions import Distribution

from nelbo.distributions.simplex import Concrete, simplices
from nelbo.errors import BadValue
from nelbo.posteriors.base import Posterior
from nelbo.posteriors.grouped import Grouped
from nelbo.registry import register

LOWEST = 80.0  # -log z that single precision holds
NOISE = 16.0  # between two Gumbel draws, all but once in ten million
LEAST = 4.0  # of a logit, to be as good as certain


# z_g = softmax((l_g(x) + Gumbel noise) / t),  z = (z_1, ..., z_G)
@register("posterior", "concrete")
class ConcretePosterior(Grouped, Posterior):
    """Relaxed categorical latents: groups of categories, each group nearly one-hot.

    The latents are the groups' probabilities side by side; the encoder's output is their logits.
    log q and log p are those of the relaxed latents, so that the bound is one on log p(x). The
    prior is 'relaxed_uniform', of as many categories.

    Source: Maddison, Mnih & Teh 2017, The Concrete distribution, equation 22; Jang, Gu & Poole
    2017, Categorical reparameterization with Gumbel-softmax.

    Args:
        categories: of each group; the number of latents is a multiple of it.
        temperature: t, at least 0.3: the smaller, the nearer to one-hot are the draws, and the
            noisier the gradients.

    Raises:
        ValueError: fewer than two categories, a temperature below 0.3, or (when the
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

    def __init__(self, categories: int = 10, temperature: float = 0.5) -> None:
        super().__init__(categories, temperature)
        self.most = (LOWEST * temperature - NOISE) / 2
        if self.most < LEAST:
            raise BadValue(
                "temperature",
                expected=f"at least {(2 * LEAST + NOISE) / LOWEST:g}: below it log z leaves single "
                "precision",
                got=temperature,
                fix="Try 0.5, or the posterior 'st_gumbel_softmax', whose latents are one-hot.",
            )

    def forward(self, parameters: Float[Tensor, "batch latent"]) -> Distribution:
        """Return q(z|x) for logits, [batch, groups * categories]."""
        logits = parameters.unflatten(-1, (-1, self.categories))
        # further apart, log z would leave what single precision can hold, and the bound its sense
        apart = (logits - logits.mean(-1, keepdim=True)).clamp(-self.most, self.most)
        return Concrete(apart, self.temperature)
