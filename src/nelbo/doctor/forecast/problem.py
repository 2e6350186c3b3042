"""A loss of outputs that do not depend on the latents: its slopes and its curvature."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from nelbo.errors import BadValue
from nelbo.rng import seeded

Total = Callable[[Tensor, Tensor], Tensor]
Settle = Callable[[Tensor], None]
SOME = 2**20  # values to find the best constant output with
SILENT = 1e-12  # a variance below this share of a mean square is rounding

Batch = tuple[Tensor, int]  # examples, and how many of them count: the rest fill a batch up


@dataclass(frozen=True)
class Problem:
    """A loss of a constant output.

    Attributes:
        total: the loss of outputs [batch, outputs] for examples, a scalar.
        batches: gives the data, the same each time.
        start: a good constant output, [outputs].
        bounds: between which outputs lie.
        settle: sets parameters of the loss's own to their best at a constant output.
    """

    total: Total
    batches: Callable[[], Iterable[Batch]]
    start: Float[Tensor, " outputs"]
    bounds: tuple[float, float] = (-float("inf"), float("inf"))
    settle: Settle | None = None

    def over(self, batches: list[Batch]) -> Problem:
        """Return the same on these batches only."""
        return replace(self, batches=lambda: batches)

    def scores(self, eta: Float[Tensor, " outputs"]) -> Iterator[Float[Tensor, "batch outputs"]]:
        """Yield dl/d output of each example at a constant output."""
        with seeded(0):
            for x, count in self.batches():
                yield self._slopes(x, eta, graph=False)[0][:count]

    def derivatives(
        self, eta: Float[Tensor, " outputs"], probes: Float[Tensor, "probes outputs"]
    ) -> Derivatives:
        """Return mean slope, its variance, and the mean curvature times each of the probes."""
        n, first, second, products = 0, 0.0, 0.0, 0.0
        with seeded(0):
            for x, count in self.batches():
                slopes, outputs = self._slopes(x, eta, graph=True)
                rows = [_product(slopes, outputs, v)[:count].sum(0) for v in probes]
                products = products + (torch.stack(rows).double() if rows else probes.double())
                s = slopes.detach()[:count].double()
                n, first, second = n + count, first + s.sum(0), second + (s**2).sum(0)
        assert isinstance(first, Tensor)
        assert isinstance(second, Tensor)
        assert isinstance(products, Tensor)
        mean = first / n
        return Derivatives(mean, (second / n - mean**2).clamp_min(0.0), products / n, n)

    def _slopes(
        self, x: Tensor, eta: Float[Tensor, " outputs"], graph: bool
    ) -> tuple[Tensor, Tensor]:
        outputs = eta.to(self.start.dtype).expand(len(x), -1).clone().requires_grad_()
        with torch.enable_grad():
            value = self.total(x, outputs)
            if not value.requires_grad:
                raise BadValue(
                    "loss",
                    expected="a loss that depends on the reconstruction, by torch operations",
                    got="a value without a gradient",
                    fix="Leave out .detach(), .item() and torch.no_grad(), or use nelbo.audit.",
                )
            slope = torch.autograd.grad(value, outputs, create_graph=graph, allow_unused=True)[0]
        return torch.zeros_like(outputs) if slope is None else slope, outputs


@dataclass(frozen=True)
class Derivatives:
    """Of the loss at a constant output, averaged over examples.

    Attributes:
        slope: mean of the scores dl/d output.
        variance: of the scores.
        products: mean curvature times each of the probes.
        examples: how many there were.
    """

    slope: Float[Tensor, " outputs"]
    variance: Float[Tensor, " outputs"]
    products: Float[Tensor, "probes outputs"]
    examples: int

    def where(self, mine: Bool[Tensor, " outputs"], other: Derivatives) -> Derivatives:
        """Return these derivatives at some outputs, and another's at the rest."""
        return Derivatives(
            torch.where(mine, self.slope, other.slope),
            torch.where(mine, self.variance, other.variance),
            torch.where(mine, self.products, other.products),
            self.examples,
        )

    @property
    def silent(self) -> Bool[Tensor, " outputs"]:
        """Outputs whose score is the same for every example: nothing can be learned there."""
        return self.variance <= SILENT * (self.variance + self.slope**2)


def _product(slopes: Tensor, outputs: Tensor, v: Tensor) -> Tensor:
    if not slopes.requires_grad:
        return torch.zeros_like(outputs)
    along = (slopes * v.to(slopes.dtype)).sum()
    found = torch.autograd.grad(along, outputs, retain_graph=True, allow_unused=True)[0]
    return torch.zeros_like(outputs) if found is None else found


def some(batches: Iterable[Batch]) -> list[Batch]:
    """Return the first batches, of about a million values."""
    kept, values = [], 0
    with seeded(0):
        for x, count in batches:
            kept.append((x, count))
            values += x.numel()
            if values >= SOME:
                break
    return kept
