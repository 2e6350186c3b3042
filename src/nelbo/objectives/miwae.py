"""The mean of several importance-weighted bounds."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from nelbo.checks import count
from nelbo.errors import BadValue
from nelbo.formulas import log_mean_exp
from nelbo.objectives.base import Objective
from nelbo.objectives.importance import grouped
from nelbo.registry import register
from nelbo.terms import Terms


# L_{M,K}(x) = (1/M) sum_m log (1/K) sum_k w_mk                         Rainforth et al. 2018: MIWAE
@register("objective", "miwae")
@dataclass(frozen=True)
class MIWAE(Objective):
    """The mean of M importance-weighted bounds of K samples: less noise for the encoder.

    Source: Rainforth et al. 2018, Tighter variational bounds are not necessarily better.
    (For data with missing entries, Mattei & Frellsen's MIWAE of 2019 is `IWAE` on a model with
    `missing=True`, and `nelbo.impute`.)

    Args:
        samples: M K, latents drawn for each example, as of every other objective.
        groups: M, how many bounds they make, of K samples each.

    Raises:
        ValueError: fewer than one of either, or samples that do not fall into equal groups.

    Example:
        >>> MIWAE(samples=8, groups=2).belief
        'MIWAE, 2 bounds of 4 samples'

    """

    samples: int = 16
    groups: int = 4

    def __post_init__(self) -> None:
        count("samples", self.samples, least=1, usual=16)
        count("groups", self.groups, least=1, usual=4)
        if self.samples % self.groups:
            raise BadValue(
                "samples",
                expected=f"a multiple of {self.groups}, which is the number of bounds (groups)",
                got=self.samples,
                fix=f"Try {(self.samples // self.groups + 1) * self.groups}.",
            )

    @property
    def each(self) -> int:
        """Samples of each bound, K."""
        return self.samples // self.groups

    def __call__(self, terms: Terms) -> Float[Tensor, " batch"]:
        """Return the mean bound of each example, [batch]."""
        return log_mean_exp(grouped(terms.log_w, self.groups)).mean(0)

    @property
    def belief(self) -> str:
        """What is maximised."""
        return f"MIWAE, {self.groups} bounds of {self.each} samples"
