"""The ELBO with the total correlation that a critic estimates."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from nelbo.formulas import gradient_only
from nelbo.objectives.aggregate import check_weights
from nelbo.objectives.base import LearningObjective, frozen
from nelbo.objectives.critic import check_critic, critic, told_apart
from nelbo.registry import register
from nelbo.terms import Terms


# ELBO - gamma E_q(z) log D(z) / (1 - D(z)),   D: is z from q(z), or from prod_k q(z_k)?
#                                                                          Kim & Mnih 2018, (2), (3)
@register("objective", "factor_vae")
class FactorVAE(LearningObjective):
    """The ELBO less gamma times the total correlation of q(z), by density ratio.

    The critic learns in the same step from the same batch, its latents shuffled one by one; the
    paper takes a second batch for it.

    Source: Kim & Mnih 2018, Disentangling by factorising, equations 2 and 3, algorithm 2.

    Args:
        gamma: weight of the total correlation.
        hidden: sizes of the critic's layers.
        lr: the critic's step size; None for the model's.

    Raises:
        ValueError: an argument is out of range.

    Example:
        >>> FactorVAE(gamma=35.0).belief
        'ELBO - 35 TC, by a critic'

    """

    def __init__(
        self,
        gamma: float = 35.0,
        hidden: tuple[int, ...] = (256, 256, 256),
        lr: float | None = 1e-4,
    ) -> None:
        super().__init__()
        check_weights(gamma=gamma)
        self.gamma, self.hidden, self.lr = gamma, check_critic(hidden, lr), lr

    def setup(self, data_shape: tuple[int, ...], latent: int) -> None:
        """Create the critic of latents."""
        self.critic = critic((latent,), self.hidden)

    def forward(self, terms: Terms) -> Float[Tensor, " batch"]:
        """Return the objective of each example, [batch]."""
        shape, z = terms.z.shape[:2], terms.z.flatten(0, 1)
        correlation = frozen(self.critic)(z).view(shape).mean(0)
        real = z.detach()
        learnt = told_apart(self.critic(real), self.critic(shuffled(real))).view(shape).mean(0)
        elbo = terms.log_px.mean(0) - terms.kl_total
        return elbo - self.gamma * correlation + gradient_only(learnt)

    @property
    def belief(self) -> str:
        """What is maximised."""
        return f"ELBO - {self.gamma:g} TC, by a critic"


def shuffled(z: Float[Tensor, "n latent"]) -> Float[Tensor, "n latent"]:
    """Return draws of prod_k q(z_k): every latent in an order of its own."""
    return z.gather(0, torch.rand_like(z).argsort(0))
