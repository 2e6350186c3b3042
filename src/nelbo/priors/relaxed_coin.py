"""Prior of relaxed bits: coins, fair or not."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.distributions import Distribution

from nelbo.checks import within
from nelbo.distributions.relaxed_bits import BITS, RelaxedBits
from nelbo.distributions.simplex import require_temperature
from nelbo.priors.base import Prior
from nelbo.registry import register


# z_k = s((log pi/(1 - pi) + L_k) / t),  L logistic
@register("prior", "relaxed_coin")
class RelaxedCoin(Prior):
    """Independent relaxed bits, all of one probability.

    Source: Maddison, Mnih & Teh 2017, The Concrete distribution, equation 24 and appendix C.3.

    Args:
        probability: pi, that a bit is above 1/2, between 0 and 1.
        temperature: t, positive.

    Raises:
        ValueError: a probability outside (0, 1), or a temperature that is not positive.

    Example:
        >>> prior = RelaxedCoin(probability=0.2)
        >>> prior.setup(latent=10)
        >>> prior().event_shape
        torch.Size([10])

    """

    base_measure = BITS
    logits: Tensor

    def __init__(self, probability: float = 0.5, temperature: float = 0.5) -> None:
        super().__init__()
        self.probability = within("probability", probability, "(0, 1)", fix="Try 0.5.")
        self.temperature = require_temperature(temperature)

    def setup(self, latent: int) -> None:
        """Create the logits, [latent]."""
        logit = math.log(self.probability) - math.log1p(-self.probability)
        self.register_buffer("logits", torch.full((latent,), logit), persistent=False)

    def forward(self) -> Distribution:
        """Return p(z)."""
        return RelaxedBits(self.logits, self.temperature)
