"""A weight on the KL that a wanted reconstruction sets."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from nelbo.checks import positive, within
from nelbo.objectives.base import LearningObjective
from nelbo.registry import register
from nelbo.terms import Terms

LARGEST = 1e6  # of the multiplier, and of its inverse


# min KL  such that  E[C] <= 0,  C = kappa - log p(x|z)
# C_ma <- a C_ma + (1 - a) C,   lambda <- lambda exp(nu C_ma)         Rezende & Viola 2018, alg. 1
@register("objective", "geco")
class GECO(LearningObjective):
    """The smallest KL whose reconstructions are worth at least `nats`: log p(x|z) - KL / lambda.

    The paper minimises KL + lambda C; divided by lambda it is the ELBO at beta = 1 / lambda, in
    nats, with the same optimum.

    Source: Rezende & Viola 2018, Taming VAEs, algorithm 1.

    Args:
        nats: kappa, the mean of log p(x|z) to be reached.
        rate: nu, by how much log lambda moves in a step for each nat that is missing.
        momentum: a, of the running mean of what is missing.

    Raises:
        ValueError: `rate` is not positive, or `momentum` not in [0, 1).

    Example:
        >>> GECO(nats=-90.0).belief
        'the smallest KL at a reconstruction of -90 nats; now beta = 1'

    """

    multiplier: Tensor
    missing: Tensor
    steps: Tensor

    def __init__(self, nats: float, rate: float = 1e-3, momentum: float = 0.99) -> None:
        super().__init__()
        self.nats, self.rate = nats, positive("rate", rate, fix="Try 1e-3.")
        self.momentum = within("momentum", momentum, "[0, 1)", fix="Try 0.99.")
        self.setup((), 0)

    def setup(self, data_shape: tuple[int, ...], latent: int) -> None:
        """Begin at lambda = 1."""
        self.register_buffer("multiplier", torch.ones(()))
        self.register_buffer("missing", torch.zeros(()))
        self.register_buffer("steps", torch.zeros(()))

    def forward(self, terms: Terms) -> Float[Tensor, " batch"]:
        """Return the objective of each example, [batch]; in training, move lambda."""
        log_px = terms.log_px.mean(0)
        value = log_px - terms.kl_total / self.multiplier.clone()
        if self.training:
            self._move(self.nats - log_px.detach().mean())
        return value

    @torch.no_grad()
    def _move(self, missing: Tensor) -> None:
        weight = torch.where(self.steps == 0, 1.0, 1.0 - self.momentum)
        mean = self.missing + weight * (missing - self.missing)
        moved = self.multiplier * torch.exp((self.rate * mean).clamp(-1.0, 1.0))
        self.missing.copy_(mean)
        self.multiplier.copy_(moved.clamp(1 / LARGEST, LARGEST))
        self.steps.add_(1)

    @property
    def belief(self) -> str:
        """What is maximised."""
        beta = 1 / float(self.multiplier)
        return f"the smallest KL at a reconstruction of {self.nats:g} nats; now beta = {beta:.3g}"
