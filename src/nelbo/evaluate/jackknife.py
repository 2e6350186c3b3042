"""Standard errors of anything that is computed from means, by leaving out or drawing blocks."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from nelbo.rng import generator

BLOCKS = 20
RESAMPLES = 400


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
        rows = statistics.cpu().double()
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

    # se = the standard deviation over resamples of the blocks, drawn with replacement    Efron 1979
    def bootstrap(self, statistic: Callable[[Tensor], Tensor]) -> tuple[Tensor, Tensor]:
        """Return a function of the means, and its standard error by drawing the blocks anew.

        For what is not smooth, such as a count, of which the jackknife says too much or nothing.
        """
        assert self._sums is not None
        value, groups = statistic(self.means), min(self.examples, BLOCKS)
        if groups < 2:
            return value, torch.full_like(value, math.nan)
        drawn = torch.randint(groups, (RESAMPLES, groups), generator=generator(0))
        sums, counts = self._sums[drawn].sum(1), self._counts[drawn].sum(1)
        again = torch.stack([statistic(means) for means in sums / counts[:, None]])
        return value, again.std(0)


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
        x = x.cpu().double()
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
