"""The adversarial autoencoder."""

from __future__ import annotations

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from nelbo.formulas import gradient_only
from nelbo.objectives.aggregate import check_weights, prior_draws
from nelbo.objectives.base import LearningObjective, frozen
from nelbo.objectives.critic import check_critic, critic, told_apart
from nelbo.registry import register
from nelbo.terms import Terms


# E log p(x|z) + w E_q log D(z),   D: is z from p(z), or from q(z)?             Makhzani et al. 2016
@register("objective", "adversarial_ae")
class AdversarialAE(LearningObjective):
    """Reconstructions, and latents that a critic takes for the prior's; no KL.

    Source: Makhzani et al. 2016, Adversarial autoencoders, section 2.

    Args:
        weight: of the critic's verdict, in nats for each nat of it.
        hidden: sizes of the critic's layers.
        lr: the critic's step size; None for the model's.

    Raises:
        ValueError: an argument is out of range.

    Example:
        >>> AdversarialAE(weight=10.0).belief
        'log p(x|z) + 10 log D(z): an adversarial autoencoder, no bound'

    """

    def __init__(
        self, weight: float = 10.0, hidden: tuple[int, ...] = (256, 256), lr: float | None = None
    ) -> None:
        super().__init__()
        check_weights(weight=weight)
        self.weight, self.hidden, self.lr = weight, check_critic(hidden, lr), lr

    def setup(self, data_shape: tuple[int, ...], latent: int) -> None:
        """Create the critic of latents."""
        self.critic = critic((latent,), self.hidden)

    def forward(self, terms: Terms) -> Float[Tensor, " batch"]:
        """Return the objective of each example, [batch]."""
        shape, z = terms.z.shape[:2], terms.z.flatten(0, 1)
        fooled = F.logsigmoid(frozen(self.critic)(z)).view(shape).mean(0)
        learnt = told_apart(self.critic(prior_draws(terms)), self.critic(z.detach()))
        return (
            terms.log_px.mean(0) + self.weight * fooled + gradient_only(learnt.view(shape).mean(0))
        )

    @property
    def belief(self) -> str:
        """What is maximised."""
        return f"log p(x|z) + {self.weight:g} log D(z): an adversarial autoencoder, no bound"
