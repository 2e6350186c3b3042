"""Mean and covariance of rows, in one pass."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class Scatter:
    """Mean and covariance of rows, in float64, and how many there were."""

    mean: Float[Tensor, " features"]
    covariance: Float[Tensor, "features features"]
    examples: int


def scatter(rows: Iterable[Float[Tensor, "batch features"]]) -> Scatter:
    """Return mean and covariance of all rows, over n rather than n - 1.

    Products of shifted rows in float32 lose nothing that matters; their sums are in float64. A
    column that is constant in every row has a variance of exactly 0.

    Example:
        >>> scatter([torch.tensor([[0.0, 3.0], [2.0, 3.0]])]).covariance.tolist()
        [[1.0, 0.0], [0.0, 0.0]]
    """
    n, shift = 0, torch.zeros(())
    first, second = torch.zeros((), dtype=torch.float64), torch.zeros((), dtype=torch.float64)
    for x in rows:
        if n == 0:
            shift = x.double().mean(0).to(x.dtype)
        centred = x - shift
        n += len(x)
        first = first + centred.double().sum(0)
        second = second + (centred.T @ centred).double()
    mean = first / n
    return Scatter(mean + shift.double(), second / n - torch.outer(mean, mean), n)


def spectrum(covariance: Float[Tensor, "features features"]) -> Float[Tensor, " features"]:
    """Return the eigenvalues of a covariance, descending, none of them negative.

    Example:
        >>> spectrum(torch.diag(torch.tensor([1.0, 3.0]))).tolist()
        [3.0, 1.0]
    """
    return torch.linalg.eigvalsh(covariance).flip(0).clamp_min(0.0)
