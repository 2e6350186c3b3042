"""The mean of several importance-weighted bounds."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from nelbo.checks import count
from nelbo.formulas import log_mean_exp
from nelbo.objectives.base import Objective
from nelbo.objectives.importance import grouped
from nelbo.registry import register
from nelbo.terms import Terms


# L_{M,K}(x) = (1/M) sum_m log (1/K) sum_k w_mk                           Rainforth et al. 2018, (7)
@register("objective", "miwae")
@dataclass(frozen=True)
class MIWAE(Objective):
    """The mean of M importance-weighted bounds of K samples: less noise for the encoder.

    Source: Rainforth et al. 2018, Tighter variational bounds are not necessarily better, section 4.
    (For data with missing entries, Mattei & Frellsen's MIWAE of 2019 is `IWAE` on a model with
    `missing=True`, and `nelbo.impute`.)

    Args:
        groups: M, how many bounds.
        each: K, samples of each bound.

    Example:
        >>> MIWAE(groups=2, each=4).samples
        8

    """

    groups: int = 4
    each: int = 4

    def __post_init__(self) -> None:
        count("groups", self.groups, least=1, usual=5)
        count("each", self.each, least=1, usual=5)

    @property
    def samples(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Latents drawn for each example, M K."""
        return self.groups * self.each

    def __call__(self, terms: Terms) -> Float[Tensor, " batch"]:
        """Return the mean bound of each example, [batch]."""
        return log_mean_exp(grouped(terms.log_w, self.groups)).mean(0)

    @property
    def belief(self) -> str:
        """What is maximised."""
        return f"MIWAE, {self.groups} bounds of {self.each} samples"
