"""Importance-weighted bounds, one for the decoder and another for the encoder."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor, softmax

from nelbo.formulas import log_mean_exp
from nelbo.objectives.importance import grouped, steered
from nelbo.objectives.miwae import MIWAE
from nelbo.registry import register
from nelbo.terms import Terms


# theta maximises L_{MK} (IWAE), phi maximises L_{M,K} (MIWAE)          Rainforth et al. 2018: PIWAE
@register("objective", "piwae")
@dataclass(frozen=True)
class PIWAE(MIWAE):
    """The decoder learns by the bound of all M K samples, the encoder by the mean of M bounds.

    Source: Rainforth et al. 2018, Tighter variational bounds are not necessarily better.

    Args:
        samples: M K, latents drawn for each example.
        groups: M, how many bounds of K samples the encoder has.

    Example:
        >>> PIWAE(samples=8, groups=2).belief
        'PIWAE, decoder by the bound of 8 samples, encoder by 2 bounds of 4'

    """

    def __call__(self, terms: Terms) -> Float[Tensor, " batch"]:
        """Return the bound of all samples of each example, [batch]."""
        log_w = terms.log_w
        each = softmax(grouped(log_w, self.groups), dim=0) / self.groups
        v = each.transpose(0, 1).flatten(0, 1)
        return log_mean_exp(log_w).detach() + steered(terms, log_w.softmax(0), v, terms.log_qz)

    @property
    def belief(self) -> str:
        """What is maximised."""
        whole = f"decoder by the bound of {self.samples} samples"
        return f"PIWAE, {whole}, encoder by {self.groups} bounds of {self.each}"
