"""The variational Renyi bound."""

from __future__ import annotations

import math
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from nelbo.checks import count
from nelbo.errors import BadValue
from nelbo.formulas import log_mean_exp
from nelbo.objectives.base import Objective
from nelbo.registry import register
from nelbo.terms import Terms


# L_a(x) = 1/(1 - a) log (1/K) sum_k w_k^(1 - a)                               Li & Turner 2016, (5)
@register("objective", "renyi")
@dataclass(frozen=True)
class Renyi(Objective):
    """Between the ELBO (alpha to 1) and IWAE (alpha = 0); below log p(x) for alpha of at least 0.

    For alpha below 0 it exceeds log p(x) where `samples` is large, and is no bound.

    Source: Li & Turner 2016, Renyi divergence variational inference, equation 5.

    Args:
        alpha: the order, any number but 1.
        samples: K, latents drawn for each example.

    Example:
        >>> Renyi(alpha=0.5).belief
        'Renyi bound of order 0.5, 5 samples'

    """

    alpha: float = 0.5
    samples: int = 5

    def __post_init__(self) -> None:
        count("samples", self.samples, least=1, usual=5)
        if self.alpha == 1 or not math.isfinite(self.alpha):
            expected, fix = "a finite number other than 1", "At 1 it is the ELBO: use 'elbo'."
            raise BadValue("alpha", expected=expected, got=self.alpha, fix=fix)

    def __call__(self, terms: Terms) -> Float[Tensor, " batch"]:
        """Return the bound of each example, [batch]."""
        power = 1 - self.alpha
        return log_mean_exp(power * terms.log_w) / power

    @property
    def belief(self) -> str:
        """What is maximised."""
        return f"Renyi bound of order {self.alpha:g}, {self.samples} samples"
