"""What every estimator is, what it needs of a model, and standard errors by the jackknife."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from nelbo.data import Source
from nelbo.errors import BadValue
from nelbo.evaluate.estimate import Estimate
from nelbo.terms import Terms

BLOCKS = 20
COUNTS = ("samples", "batch", "chunk")


@runtime_checkable
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
    """A frozen dataclass that measures a model on data.

    Raises:
        ValueError: a field named `samples`, `batch` or `chunk` is no integer of at least 1.
    """

    def __post_init__(self) -> None:
        for name in COUNTS:
            value = getattr(self, name, 1)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                expected, fix = "an integer of at least 1", "Try 100."
                raise BadValue(name, expected=expected, got=value, fix=fix)

    @abstractmethod
    def __call__(self, model: Evaluable, data: Source) -> tuple[Estimate, ...]:
        """Return the estimates; no gradients, evaluation mode and a seed are the caller's care."""


def batches(model: Evaluable, data: Source, batch: int) -> Iterator[Tensor]:
    """Return the data in order, `batch` examples at most at a time, as the model's weights are."""
    weights = model.parameters() if isinstance(model, nn.Module) else ()
    like = next(iter(weights), torch.zeros(()))
    # a stream has batches of its own size
    return (x.to(like) for given in data.epoch(batch) for x in given.split(batch))


def base_measure(model: Evaluable) -> str | None:
    """Return what the model's densities are densities against, where it says so."""
    likelihood = getattr(model, "likelihood", None)
    return getattr(likelihood, "base_measure", None)


@contextmanager
def evaluation_mode(model: Evaluable) -> Iterator[None]:
    """Run the block with a module and its parts in evaluation mode, then put their modes back."""
    modules = list(model.modules()) if isinstance(model, nn.Module) else []
    before = [module.training for module in modules]
    for module in modules:
        module.training = False
    try:
        yield
    finally:
        for module, training in zip(modules, before, strict=True):
            module.training = training


def mean_estimate(
    name: str, per_example: Float[Tensor, " n"], samples: int | None = None
) -> Estimate:
    """Return the mean over the examples, in nats, with its standard error."""
    values = per_example.double()
    error = values.std().item() / math.sqrt(len(values)) if len(values) > 1 else math.nan
    return Estimate(name, values.mean().item(), "nats per example", error, len(values), samples)


class Blocks:
    """Means of statistics over the examples, kept apart in 20 blocks for the jackknife.

    Example i belongs to block i mod 20, so that nothing depends on the batch size.

    Example:
        >>> blocks = Blocks()
        >>> for x in torch.arange(12.0).split(5):
        ...     blocks.add(x[:, None])
        >>> value, error = blocks.jackknife(lambda means: means[0])
        >>> round(float(value), 2), round(float(error), 2)
        (5.5, 1.04)
    """

    def __init__(self) -> None:
        self.examples = 0
        self._counts = torch.zeros(BLOCKS, dtype=torch.float64)
        self._sums: Tensor | None = None

    def add(self, statistics: Float[Tensor, "n k"]) -> None:
        """Add the statistics of some examples, a row for each."""
        rows = statistics.double().cpu()
        block = torch.arange(self.examples, self.examples + len(rows)) % BLOCKS
        if self._sums is None:
            self._sums = torch.zeros(BLOCKS, rows.shape[1], dtype=torch.float64)
        self._sums.index_add_(0, block, rows)
        self._counts += torch.bincount(block, minlength=BLOCKS)
        self.examples += len(rows)

    @property
    def means(self) -> Float[Tensor, " k"]:
        """The means over all the examples."""
        assert self._sums is not None
        return self._sums.sum(0) / self.examples

    # se^2 = (G - 1)/G sum_g (t_(g) - mean)^2, t_(g) without block g              Quenouille 1956
    def jackknife(self, statistic: Callable[[Tensor], Tensor]) -> tuple[Tensor, Tensor]:
        """Return a function of the means, and its standard error by leaving out one block each."""
        assert self._sums is not None
        value, groups = statistic(self.means), min(self.examples, BLOCKS)
        if groups < 2:
            return value, torch.full_like(value, math.nan)
        # added up anew, not taken from the total: sums of zeros stay zeros
        others = 1.0 - torch.eye(groups, dtype=torch.float64)
        kept = others @ self._sums[:groups] / (others @ self._counts[:groups])[:, None]
        left_out = torch.stack([statistic(means) for means in kept])
        spread = ((left_out - left_out.mean(0)) ** 2).sum(0)
        return value, (spread * (groups - 1) / groups).sqrt()


class Deviations:
    """Deviations from the first example: of what is constant they are exactly 0.

    Variances are then taken without the cancellation that a large mean brings.

    Example:
        >>> Deviations()(torch.tensor([[0.1], [0.1]]))
        tensor([[0.],
                [0.]], dtype=torch.float64)
    """

    def __init__(self) -> None:
        self._origin: Tensor | None = None

    def __call__(self, x: Float[Tensor, "n k"]) -> Float[Tensor, "n k"]:
        """Return the deviations in float64, on the CPU."""
        x = x.double().cpu()
        if self._origin is None:
            self._origin = x[0]
        return x - self._origin


def variance(first: Float[Tensor, " k"], second: Float[Tensor, " k"]) -> Float[Tensor, " k"]:
    """Return E[x^2] - E[x]^2, never below 0.

    Example:
        >>> variance(torch.tensor([1.0]), torch.tensor([3.0]))
        tensor([2.])
    """
    return (second - first**2).clamp_min(0.0)
