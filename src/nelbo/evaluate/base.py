"""What every estimator is, what it needs of a model, and standard errors by the jackknife."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import torch
from jaxtyping import Float
from torch import Tensor, nn

from nelbo.data import Source
from nelbo.evaluate.estimate import Estimate
from nelbo.terms import Terms

BLOCKS = 20


class Evaluable(Protocol):
    """All that evaluation asks of a model, nelbo's own or anybody's behind an adapter."""

    def terms(self, x: Tensor, samples: int = 1) -> Terms:
        """Return one forward pass with `samples` latents drawn for each example."""
        ...

    def reconstruct(self, x: Tensor) -> Tensor:
        """Return the mean of p(x|z) at the mean of q(z|x), in the shape of x."""
        ...


@dataclass(frozen=True)
class Estimator(ABC):
    """A frozen dataclass that measures a model on data."""

    @abstractmethod
    def __call__(self, model: Evaluable, data: Source) -> tuple[Estimate, ...]:
        """Return the estimates; no gradients, evaluation mode and a seed are the caller's care."""


def batches(model: Evaluable, data: Source, batch: int) -> Iterator[Tensor]:
    """Return the data in order, on the model's device, in `BLOCKS` batches or more."""
    if data.size is not None:
        batch = min(batch, max(1, data.size // BLOCKS))
    weights = model.parameters() if isinstance(model, nn.Module) else ()
    like = next(iter(weights), torch.zeros(()))
    return (x.to(like) for x in data.epoch(batch))


def base_measure(model: Evaluable) -> str | None:
    """Return what the model's densities are densities against, where it says so."""
    likelihood = getattr(model, "likelihood", None)
    return getattr(likelihood, "base_measure", None)


@contextmanager
def evaluation_mode(model: Evaluable) -> Iterator[None]:
    """Run the block with a module in evaluation mode, then put its mode back."""
    training = isinstance(model, nn.Module) and model.training
    if isinstance(model, nn.Module):
        model.eval()
    try:
        yield
    finally:
        if isinstance(model, nn.Module):
            model.train(training)


def mean_estimate(
    name: str, per_example: Float[Tensor, " n"], samples: int | None = None
) -> Estimate:
    """Return the mean over the examples, in nats, with its standard error."""
    values = per_example.double()
    error = values.std().item() / math.sqrt(len(values)) if len(values) > 1 else math.nan
    return Estimate(name, values.mean().item(), "nats per example", error, len(values), samples)


class Blocks:
    """Sums of statistics over the data, kept apart in a few blocks for the jackknife.

    Example:
        >>> blocks = Blocks()
        >>> for x in torch.arange(12.0).split(3):
        ...     blocks.add(torch.stack([torch.tensor(3.0), x.sum()]))
        >>> value, error = blocks.jackknife(lambda s: float(s[1] / s[0]))
        >>> round(value, 2), round(error, 2)
        (5.5, 1.94)
    """

    def __init__(self) -> None:
        self._sums: list[Tensor] = []
        self._added = 0

    def add(self, statistics: Float[Tensor, " k"]) -> None:
        """Add one batch's sums of statistics."""
        if self._added < BLOCKS:
            self._sums.append(statistics.double())
        else:
            self._sums[self._added % BLOCKS] += statistics.double()
        self._added += 1

    @property
    def total(self) -> Float[Tensor, " k"]:
        """The sums over all the data."""
        return torch.stack(self._sums).sum(0)

    # se^2 = (G - 1)/G sum_g (t_(g) - mean)^2, t_(g) without block g              Quenouille 1956
    def jackknife(self, statistic: Callable[[Tensor], float]) -> tuple[float, float]:
        """Return a function of the sums, and its standard error by leaving out one block each."""
        total, groups = self.total, len(self._sums)
        if groups < 2:
            return statistic(total), math.nan
        left_out = torch.tensor([statistic(total - s) for s in self._sums], dtype=torch.float64)
        spread = ((left_out - left_out.mean()) ** 2).sum().item()
        return statistic(total), math.sqrt(spread * (groups - 1) / groups)
