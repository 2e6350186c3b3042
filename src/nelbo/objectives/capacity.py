"""The ELBO with a KL held at a capacity."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from nelbo.checks import not_negative
from nelbo.objectives.base import Objective, number
from nelbo.objectives.schedules import Schedule
from nelbo.registry import register
from nelbo.terms import Terms


# log p(x|z) - gamma |KL(q(z|x) || p(z)) - C|                               Burgess et al. 2018, (8)
@register("objective", "capacity")
@dataclass(frozen=True)
class Capacity(Objective):
    """Each example's KL is held at C nats, which usually rises in training.

    Source: Burgess et al. 2018, Understanding disentangling in beta-VAE, equation 8.

    Args:
        nats: C, a number, or a schedule from 0 on, as in the paper.
        gamma: weight of the distance from it.

    Example:
        >>> Capacity(nats=5.0).belief
        'ELBO with the KL held at 5 nats, gamma = 1000'

    """

    nats: float | Schedule = 25.0
    gamma: float = 1000.0

    def __post_init__(self) -> None:
        for name in ("nats", "gamma"):
            value = getattr(self, name)
            if not isinstance(value, Schedule):
                not_negative(name, value, fix="Try 25 nats and gamma=1000.")

    def __call__(self, terms: Terms) -> Float[Tensor, " batch"]:
        """Return the objective of each example, [batch]."""
        distance = terms.kl_total - number("nats", self.nats)
        return terms.log_px.mean(0) - self.gamma * distance.abs()

    @property
    def belief(self) -> str:
        """What is maximised."""
        held = self.nats if isinstance(self.nats, Schedule) else f"{self.nats:g} nats"
        return f"ELBO with the KL held at {held}, gamma = {self.gamma:g}"
