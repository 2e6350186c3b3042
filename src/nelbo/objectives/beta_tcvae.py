"""The ELBO with its KL in three parts."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from nelbo.objectives.aggregate import check_weights, log_q_of_pairs
from nelbo.objectives.base import Objective
from nelbo.registry import register
from nelbo.terms import Terms


# E KL(q(z|x) || p(z)) = I(x; z) + KL(q(z) || prod_k q(z_k)) + sum_k KL(q(z_k) || p(z_k))
# log q(z) ~ log (1/M) sum_j q(z|x_j), the batch's           Chen et al. 2018, (2) and (S3)
@register("objective", "beta_tcvae")
@dataclass(frozen=True)
class BetaTCVAE(Objective):
    """The ELBO whose KL is split: mutual information, total correlation, latent by latent.

    With all weights 1 it is the one-sample ELBO, whatever the batch. A weight on the total
    correlation makes latents independent of each other without making them useless. The batch
    stands for the data: the paper's further log N shifts the parts by constants, which have no
    gradient.

    Source: Chen et al. 2018, Isolating sources of disentanglement in VAEs, equations 2 and S3.

    Args:
        alpha: weight of the mutual information of index and latents.
        beta: weight of the total correlation.
        gamma: weight of the KL of each latent by itself.

    Example:
        >>> BetaTCVAE(beta=6.0).belief
        'log p(x|z) - 1 MI - 6 TC - 1 KL by latent'

    """

    alpha: float = 1.0
    beta: float = 6.0
    gamma: float = 1.0

    def __post_init__(self) -> None:
        check_weights(alpha=self.alpha, beta=self.beta, gamma=self.gamma)

    def __call__(self, terms: Terms) -> Float[Tensor, " batch"]:
        """Return the objective of each example, [batch]."""
        information, correlation, by_latent = self.parts(terms)
        kl = self.alpha * information + self.beta * correlation + self.gamma * by_latent
        return (terms.log_px - kl).mean(0)

    def parts(self, terms: Terms) -> Float[Tensor, "three samples batch"]:
        """Return mutual information, total correlation and KL by latent, at each draw."""
        pairs = log_q_of_pairs(terms)
        many = math.log(pairs.shape[2])
        log_q = pairs.sum(-1).logsumexp(2) - many
        each = (pairs.logsumexp(2) - many).sum(-1)
        return torch.stack((terms.log_qz - log_q, log_q - each, each - terms.log_pz))

    @property
    def belief(self) -> str:
        """What is maximised."""
        weights = f"{self.alpha:g} MI - {self.beta:g} TC - {self.gamma:g} KL by latent"
        return f"log p(x|z) - {weights}"
