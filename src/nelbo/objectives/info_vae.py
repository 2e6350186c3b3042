"""The ELBO with a part of its KL replaced by a discrepancy of the aggregate posterior."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from nelbo.errors import BadValue, nearest
from nelbo.objectives.aggregate import KERNELS, check_weights, discrepancy
from nelbo.objectives.base import Objective
from nelbo.registry import register
from nelbo.terms import Terms


# log p(x|z) - (1 - a) KL(q(z|x) || p(z)) - (a + l - 1) D(q(z) || p(z))        Zhao et al. 2019, (6)
@register("objective", "info_vae")
@dataclass(frozen=True)
class InfoVAE(Objective):
    """A smaller KL of each posterior, and the maximum mean discrepancy of all of them from p(z).

    The discrepancy is of kernels, not in nats: its weight says what it is worth.

    Source: Zhao, Song & Ermon 2019, InfoVAE, equation 6, with the discrepancy MMD.

    Args:
        alpha: share of the KL that is left out, at most 1.
        weight: lambda; the discrepancy counts alpha + lambda - 1 times, at least 0.
        kernel: of the discrepancy: "gaussian" or "imq".

    Example:
        >>> InfoVAE(alpha=1.0, weight=1000.0).belief
        'log p(x|z) - 0 KL - 1000 MMD (gaussian)'

    """

    alpha: float = 0.5
    weight: float = 1000.0
    kernel: str = "gaussian"

    def __post_init__(self) -> None:
        if not self.alpha <= 1:
            expected, fix = "a number of at most 1", "Try 0.5."
            raise BadValue("alpha", expected=expected, got=self.alpha, fix=fix)
        if self._counts < 0:
            raise BadValue(
                "weight",
                expected=f"at least 1 - alpha = {1 - self.alpha:g}",
                got=f"{self.weight:g}: the discrepancy would be rewarded",
                fix="Try 1000.",
            )
        check_weights(weight=self.weight)
        check_kernel(self.kernel)

    @property
    def _counts(self) -> float:
        return self.alpha + self.weight - 1

    def __call__(self, terms: Terms) -> Float[Tensor, " batch"]:
        """Return the objective of each example, [batch]; the discrepancy is the batch's."""
        apart = self._counts * discrepancy(terms, self.kernel)
        kl = (1 - self.alpha) * terms.kl_total if self.alpha < 1 else 0.0
        return terms.log_px.mean(0) - kl - apart

    @property
    def belief(self) -> str:
        """What is maximised."""
        return f"log p(x|z) - {1 - self.alpha:g} KL - {self._counts:g} MMD ({self.kernel})"


def check_kernel(kernel: str) -> None:
    """Refuse a kernel that nobody knows."""
    if kernel not in KERNELS:
        fix = nearest(kernel, KERNELS)
        raise BadValue("kernel", expected="a known kernel", got=f"'{kernel}'", fix=fix)
