"""The ELBO with a part of the KL free of charge."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from nelbo.checks import not_negative
from nelbo.objectives.base import Objective
from nelbo.registry import register
from nelbo.terms import Terms


# log p(x|z) - sum_k max(lambda, E_x KL_k)                                  Kingma et al. 2016, (15)
@register("objective", "free_bits")
@dataclass(frozen=True)
class FreeBits(Objective):
    """The ELBO in which each latent's mean KL over the batch costs at least `nats`.

    Below that a latent has nothing to gain from collapsing. It needs a KL per latent.

    Source: Kingma et al. 2016, Improved variational inference with inverse autoregressive flow,
    equation 15.

    Args:
        nats: lambda, of each latent.

    Example:
        >>> FreeBits(nats=0.5).belief
        'ELBO with 0.5 nats free for each latent'

    """

    nats: float = 0.5

    def __post_init__(self) -> None:
        not_negative("nats", self.nats, fix="Try 0.5.")

    def __call__(self, terms: Terms) -> Float[Tensor, " batch"]:
        """Return the objective of each example, [batch]; the KL is the batch's."""
        return terms.log_px.mean(0) - terms.kl.mean(0).clamp_min(self.nats).sum()

    @property
    def belief(self) -> str:
        """What is maximised."""
        return f"ELBO with {self.nats:g} nats free for each latent"
