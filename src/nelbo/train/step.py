"""One step's arithmetic: forward and backward, without and with compilation."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from nelbo.model import VAE
from nelbo.objectives import Objective
from nelbo.terms import Terms


@dataclass(frozen=True)
class Outcome:
    """What a forward and backward pass left, beside the gradients.

    Attributes:
        loss: minus the mean objective, a scalar.
        sums: over the batch: reconstruction, kl, elbo at beta = 1, loss; [4].
        terms: gives the forward pass itself, or one like it where it was compiled away.
    """

    loss: Tensor
    sums: Tensor
    terms: Callable[[], Terms]


class Step:
    """Leaves the gradients of minus the mean objective in the parameters' `.grad`.

    Args:
        model: whose parameters.
        precision: of the networks' arithmetic; densities are in full precision.
        learning: the objective, where it learns something itself.
    """

    def __init__(
        self, model: VAE, precision: torch.dtype, learning: nn.Module | None = None
    ) -> None:
        self.model, self.precision = model, precision
        self.modules = nn.ModuleList([model] if learning is None else [model, learning])
        self.parameters = list(self.modules.parameters())

    def prepare(self, x: Tensor, objective: Objective) -> bool:
        """Do what has to be done once, before the first step; return whether that took long."""
        return False

    def __call__(self, x: Tensor, objective: Objective) -> Outcome:
        """Go forward and backward.

        Args:
            x: a batch, [batch, *data_shape].
            objective: what is maximised, at this step.
        """
        loss, sums, terms = self.forward(x, objective)
        for parameter in self.parameters:
            parameter.grad = None
        loss.backward()
        return Outcome(loss.detach(), sums, terms)

    def forward(
        self, x: Tensor, objective: Objective
    ) -> tuple[Tensor, Tensor, Callable[[], Terms]]:
        """Return the loss, the sums of an `Outcome`, and the terms."""
        with self.autocast(x):
            terms = objective.terms(self.model, x)
            loss = -objective(terms).mean()
        return loss, sums_of(terms, loss), partial(_itself, terms)

    def clip(self, norm: float) -> None:
        """Shorten the model's gradient to a norm, where it is longer."""
        nn.utils.clip_grad_norm_(self.model.parameters(), norm)

    def agree(self, stopped: Callable[[], bool]) -> Callable[[], bool]:
        """Return whether to stop, from whether this process was asked to."""
        return stopped

    def settle(self) -> None:
        """Bring the model up to date, where it is not: before it is measured or saved."""

    def autocast(self, x: Tensor) -> torch.autocast | nullcontext[None]:
        """Return the context of the networks' precision."""
        if self.precision == torch.float32:
            return nullcontext()
        return torch.autocast(x.device.type, self.precision)


def sums_of(terms: Terms, loss: Tensor) -> Tensor:
    """Return the sums over a batch that become an epoch's means, [4]; NaN for what is not there."""
    with torch.no_grad():
        r = terms.log_px.mean(0).sum()
        kl = terms.kl_total.sum() if terms.has_density else torch.full_like(r, torch.nan)
        return torch.stack([r, kl, r - kl, loss.detach() * len(terms.x)])


def _itself(terms: Terms) -> Terms:
    return terms
