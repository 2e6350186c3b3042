"""The importance-weighted bound with the doubly reparametrised gradient."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from nelbo.formulas import log_mean_exp
from nelbo.objectives.importance import steered
from nelbo.objectives.iwae import IWAE
from nelbo.registry import register
from nelbo.terms import Terms


# d L_K / d phi = E sum_k W_k^2 (d log w_k / d z_k) d z_k / d phi,  W = softmax(log w)
#                                                                            Tucker et al. 2018
@register("objective", "dreg")
@dataclass(frozen=True)
class DReG(IWAE):
    """`IWAE` whose gradient for the encoder does not drown in noise as `samples` grows.

    Source: Tucker, Lawson, Gu & Maddison 2018, Doubly reparameterized gradient estimators for Monte
    Carlo objectives.

    Args:
        samples: K, latents drawn for each example.

    Example:
        >>> DReG(samples=50).belief
        'IWAE, the bound of 50 samples, doubly reparametrised gradient'

    """

    def __call__(self, terms: Terms) -> Float[Tensor, " batch"]:
        """Return the bound of each example, [batch]."""
        log_w = terms.log_w
        weights = log_w.softmax(0)
        taught = steered(terms, weights, weights**2, terms.log_qz_path)
        return log_mean_exp(log_w).detach() + taught

    @property
    def belief(self) -> str:
        """What is maximised."""
        return f"{super().belief}, doubly reparametrised gradient"
