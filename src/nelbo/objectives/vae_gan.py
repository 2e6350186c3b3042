"""The VAE whose decoder also learns from a critic of images."""

from __future__ import annotations

from typing import ClassVar

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from nelbo.formulas import gaussian_log_prob, gradient_only
from nelbo.objectives.aggregate import check_weights, prior_draws
from nelbo.objectives.base import LearningObjective, frozen
from nelbo.objectives.critic import SLOPE, check_critic, critic, told_apart
from nelbo.registry import register
from nelbo.terms import Terms


# E log N(f(x'); f(x), I) - KL + w log D(g(z)),  f: the critic's hidden features,  x' = E p(x|z),
# z ~ p(z)                                                           Larsen et al. 2016, (7) and (8)
@register("objective", "vae_gan")
class VAEGAN(LearningObjective):
    """Reconstructions are compared by the features of a critic that tells data from samples.

    No likelihood of x: what it gives are no nats of the data, and compare with nothing. The decoder
    is judged by its samples of the prior; the critic sees these, reconstructions and data.

    Source: Larsen, Sonderby, Larochelle & Winther 2016, Autoencoding beyond pixels using a learned
    similarity metric, equations 7 and 8.

    Args:
        weight: of the critic's verdict, for the decoder.
        hidden: sizes of the critic's layers; the last are the features.
        lr: the critic's step size; None for the model's.

    Raises:
        ValueError: an argument is out of range.

    Example:
        >>> VAEGAN(weight=1.0).belief
        "log p of a critic's features - KL + 1 log D: a VAE-GAN, no likelihood of x"

    """

    uses_likelihood: ClassVar[bool] = False

    def __init__(
        self, weight: float = 1.0, hidden: tuple[int, ...] = (512, 256), lr: float | None = 1e-4
    ) -> None:
        super().__init__()
        check_weights(weight=weight)
        self.weight, self.hidden, self.lr = weight, check_critic(hidden, lr), lr

    def setup(self, data_shape: tuple[int, ...], latent: int) -> None:
        """Create the critic of examples; its features start at the size of what they tell apart.

        With torch's own start they vary by less than the variance of 1 that is between them: the
        forecast of a likelihood so noisy is that nothing is learnt.
        """
        self.critic = critic(data_shape, self.hidden)
        for layer in self.critic[:-2].children():
            if isinstance(layer, nn.Linear):
                nn.init.kaiming_normal_(layer.weight, a=SLOPE)
                nn.init.zeros_(layer.bias)

    def forward(self, terms: Terms) -> Float[Tensor, " batch"]:
        """Return the objective of each example, [batch]."""
        shape, features = terms.z.shape[:2], self.critic[:-2]
        seen = terms.px.mean.flatten(0, 1)
        given = () if terms.y is None else (terms.y,)
        made = terms.model.decode(prior_draws(terms).unflatten(0, shape), *given)
        made = made.mean.flatten(0, 1)
        data = terms.x.repeat(shape[0], *(1,) * (terms.x.dim() - 1))
        error = _features(features, data) - _features(features, seen)
        similar = gaussian_log_prob(error, 0 * error, 0 * error).sum(-1)
        fooled = F.logsigmoid(frozen(self.critic)(made))
        judged = told_apart(self.critic(data), self.critic(seen.detach()))
        learnt = judged + F.logsigmoid(-self.critic(made.detach()))
        value = similar + self.weight * fooled + gradient_only(learnt)
        return value.view(shape).mean(0) - terms.kl_total

    @property
    def belief(self) -> str:
        """What is maximised."""
        verdict = f"{self.weight:g} log D"
        return f"log p of a critic's features - KL + {verdict}: a VAE-GAN, no likelihood of x"


def _features(layers: nn.Module, x: Tensor) -> Tensor:
    return frozen(layers)(x)
