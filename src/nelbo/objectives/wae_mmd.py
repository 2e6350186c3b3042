"""The Wasserstein autoencoder with a maximum mean discrepancy."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from nelbo.objectives.aggregate import check_weights, discrepancy
from nelbo.objectives.base import Objective
from nelbo.objectives.info_vae import check_kernel
from nelbo.registry import register
from nelbo.terms import Terms


# E log p(x|z) - lambda MMD^2(q(z), p(z))                                Tolstikhin et al. 2018, (4)
@register("objective", "wae_mmd")
@dataclass(frozen=True)
class WAEMMD(Objective):
    """Reconstructions, and latents that are together distributed as the prior; no KL.

    It is at home with a deterministic posterior. The paper's squared error is the likelihood
    `gaussian` with a stated variance; its U-statistic is here the V-statistic, which is never
    negative. The discrepancy is not in nats.

    Source: Tolstikhin, Bousquet, Gelly & Schoelkopf 2018, Wasserstein auto-encoders, equation 4.

    Args:
        weight: lambda, of the discrepancy.
        kernel: of the discrepancy: "imq" or "gaussian".

    Example:
        >>> WAEMMD(weight=100.0).belief
        'log p(x|z) - 100 MMD (imq): a Wasserstein autoencoder, no bound'

    """

    weight: float = 1000.0
    kernel: str = "imq"

    def __post_init__(self) -> None:
        check_weights(weight=self.weight)
        check_kernel(self.kernel)

    def __call__(self, terms: Terms) -> Float[Tensor, " batch"]:
        """Return the objective of each example, [batch]; the discrepancy is the batch's."""
        return terms.log_px.mean(0) - self.weight * discrepancy(terms, self.kernel)

    @property
    def belief(self) -> str:
        """What is maximised."""
        apart = f"{self.weight:g} MMD ({self.kernel})"
        return f"log p(x|z) - {apart}: a Wasserstein autoencoder, no bound"
