"""A combination of the ELBO and the importance-weighted bound."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from nelbo.checks import count, within
from nelbo.formulas import log_mean_exp
from nelbo.objectives.base import Objective
from nelbo.registry import register
from nelbo.terms import Terms


# L(x) = a (1/K) sum_k log w_k + (1 - a) log (1/K) sum_k w_k            Rainforth et al. 2018: CIWAE
@register("objective", "ciwae")
@dataclass(frozen=True)
class CIWAE(Objective):
    """The ELBO, which teaches the encoder well, and the tighter bound, which teaches the decoder.

    Source: Rainforth et al. 2018, Tighter variational bounds are not necessarily better.

    Args:
        elbo: share of the ELBO, from 0 (IWAE) to 1.
        samples: K, latents drawn for each example.

    Example:
        >>> CIWAE(elbo=0.05).belief
        'CIWAE, 0.05 ELBO + 0.95 IWAE of 5 samples'

    """

    elbo: float = 0.5
    samples: int = 5

    def __post_init__(self) -> None:
        count("samples", self.samples, least=1, usual=5)
        within("elbo", self.elbo, "[0, 1]", fix="Try 0.5.")

    def __call__(self, terms: Terms) -> Float[Tensor, " batch"]:
        """Return the combination of each example, [batch]."""
        log_w = terms.log_w
        return self.elbo * log_w.mean(0) + (1 - self.elbo) * log_mean_exp(log_w)

    @property
    def belief(self) -> str:
        """What is maximised."""
        rest = 1 - self.elbo
        return f"CIWAE, {self.elbo:g} ELBO + {rest:g} IWAE of {self.samples} samples"
