"""A weight on the KL that a controller sets, so that the KL stays at a wanted value."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from nelbo.errors import BadValue
from nelbo.objectives.aggregate import check_weights
from nelbo.objectives.base import LearningObjective
from nelbo.registry import register
from nelbo.terms import Terms


# e = C - KL,  beta = Kp / (1 + exp(e)) - Ki sum e + beta_min, in [beta_min, beta_max]
#                                                                             Shao et al. 2020
@register("objective", "control_vae")
class ControlVAE(LearningObjective):
    """The ELBO whose beta a PI controller moves, until the KL is `nats`.

    The integral rests while beta is at an end of its range.

    Source: Shao et al. 2020, ControlVAE: controllable variational autoencoder, algorithm 1.

    Args:
        nats: C, the wanted KL.
        proportional: Kp.
        integral: Ki.
        smallest: beta_min.
        largest: beta_max.

    Raises:
        ValueError: a number is negative, or `smallest` is not below `largest`.

    Example:
        >>> ControlVAE(nats=20.0).belief
        'ELBO whose beta keeps the KL at 20 nats; now beta = 1'

    """

    summed: Tensor
    beta: Tensor

    def __init__(
        self,
        nats: float,
        proportional: float = 0.01,
        integral: float = 0.001,
        smallest: float = 0.0,
        largest: float = 10.0,
    ) -> None:
        super().__init__()
        numbers = {"nats": nats, "proportional": proportional, "integral": integral}
        check_weights(**numbers, smallest=smallest)
        if not smallest < largest < math.inf:
            expected, fix = f"a number above smallest={smallest:g}", "Try 10."
            raise BadValue("largest", expected=expected, got=largest, fix=fix)
        self.nats, self.proportional, self.integral = nats, proportional, integral
        self.smallest, self.largest = smallest, largest
        self.setup((), 0)

    def setup(self, data_shape: tuple[int, ...], latent: int) -> None:
        """Begin at beta = 1, or as near as its range allows."""
        start = min(max(1.0, self.smallest), self.largest)
        self.register_buffer("summed", torch.tensor(start - self.smallest))
        self.register_buffer("beta", torch.tensor(start))

    def forward(self, terms: Terms) -> Float[Tensor, " batch"]:
        """Return the objective of each example, [batch]; in training, move beta first."""
        kl = terms.kl_total
        if self.training:
            self._move(self.nats - kl.detach().mean())
        return terms.log_px.mean(0) - self.beta.clone() * kl

    @torch.no_grad()
    def _move(self, error: Tensor) -> None:
        within = (self.beta > self.smallest) & (self.beta < self.largest)
        back = (error < 0) == (self.beta <= self.smallest)  # away from the end it is at
        summed = self.summed - torch.where(within | back, self.integral * error, 0.0)
        beta = self.proportional * torch.sigmoid(-error) + summed + self.smallest
        self.summed.copy_(summed)
        self.beta.copy_(beta.clamp(self.smallest, self.largest))

    @property
    def belief(self) -> str:
        """What is maximised."""
        now = f"now beta = {float(self.beta):.3g}"
        return f"ELBO whose beta keeps the KL at {self.nats:g} nats; {now}"
