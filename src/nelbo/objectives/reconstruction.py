"""The reconstruction alone."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from nelbo.objectives.base import Objective
from nelbo.registry import register
from nelbo.terms import Terms


# E_q log p(x|z)                                                         Hinton & Salakhutdinov 2006
@register("objective", "reconstruction")
@dataclass(frozen=True)
class Reconstruction(Objective):
    """An autoencoder: nothing holds the latents anywhere; fit a prior before sampling.

    It is at home with a deterministic posterior; the noise of any other posterior dies out.

    Source: Hinton & Salakhutdinov 2006, Reducing the dimensionality of data with neural networks.

    Example:
        >>> Reconstruction().belief
        'log p(x|z) alone: an autoencoder, no bound'

    """

    def __call__(self, terms: Terms) -> Float[Tensor, " batch"]:
        """Return log p(x|z) of each example, [batch]."""
        return terms.log_px.mean(0)

    @property
    def belief(self) -> str:
        """What is maximised."""
        return "log p(x|z) alone: an autoencoder, no bound"
