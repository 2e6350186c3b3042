"""Relaxed Bernoulli posterior: latents that are nearly bits."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor
from torch.distributions import Distribution

from nelbo.distributions.relaxed_bits import BITS, RelaxedBits
from nelbo.distributions.simplex import require_temperature
from nelbo.posteriors.base import Posterior
from nelbo.registry import register


# z_k = s((l_k(x) + L_k) / t),  L logistic
@register("posterior", "relaxed_bernoulli")
class RelaxedBernoulli(Posterior):
    """Independent relaxed bits; the encoder's output is their logits.

    log q and log p are those of the relaxed latents, so that the bound is one on log p(x). The
    prior is 'relaxed_coin', from which the KL is computed without draws. Importance weights are
    those of the draws: where the encoder is all but certain these round to 0 or 1, and the weights'
    gradient leaves out how many do.

    Source: Maddison, Mnih & Teh 2017, The Concrete distribution, equation 24.

    Args:
        temperature: t, positive: draws are the nearer to 0 or 1, and gradients the noisier, the
            smaller it is.

    Raises:
        ValueError: a temperature that is not positive.

    Example:
        >>> import torch
        >>> q = RelaxedBernoulli()(torch.zeros(3, 10))
        >>> bool(((q.rsample() > 0) & (q.rsample() < 1)).all())
        True

    """

    base_measure = BITS

    def __init__(self, temperature: float = 0.5) -> None:
        super().__init__()
        self.temperature = require_temperature(temperature)

    def forward(self, parameters: Float[Tensor, "batch latent"]) -> Distribution:
        """Return q(z|x) for logits, [batch, latent]."""
        return RelaxedBits(parameters, self.temperature)

    def parameter_shape(self, latent: int) -> tuple[int, ...]:
        """Return (latent,): a logit for each bit."""
        return (latent,)
