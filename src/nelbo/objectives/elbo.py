"""The evidence lower bound, with a weight beta on its KL."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from nelbo import registry
from nelbo.checks import not_negative
from nelbo.objectives.base import Objective, number
from nelbo.objectives.schedules import Schedule
from nelbo.terms import Terms


# ELBO_beta(x) = E_q[log p(x|z)] - beta KL(q(z|x) || p(z))                    Higgins et al. 2017
@registry.register("objective", "elbo")
@dataclass(frozen=True)
class ELBO(Objective):
    """The evidence lower bound in nats per example; a bound on log p(x) at beta = 1 (and above).

    Source: Kingma & Welling 2014, equation 3 (beta = 1); Higgins et al. 2017, beta-VAE, equation 4.

    Args:
        beta: weight of the KL, a number of at least 0 or a schedule (`Constant`, `Linear`,
            `Cyclical`), which is checked against the number of training steps.

    Example:
        >>> import torch, nelbo
        >>> model = nelbo.VAE(data_shape=(4,), latent=2)
        >>> ELBO()(model.terms(torch.ones(3, 4))).shape
        torch.Size([3])

    """

    beta: float | Schedule = 1.0

    def __post_init__(self) -> None:
        if not isinstance(self.beta, Schedule):
            not_negative("beta", self.beta, fix="Use 1 for the bound itself.")

    def __call__(self, terms: Terms) -> Float[Tensor, " batch"]:
        """Return the bound of each example, [batch]."""
        return terms.log_px.mean(0) - number("beta", self.beta) * terms.kl_total

    @property
    def belief(self) -> str:
        """What is maximised."""
        if isinstance(self.beta, Schedule):
            return f"ELBO, beta: {registry.text(registry.spec(self.beta))}"
        return f"ELBO, beta = {self.beta:g}"
