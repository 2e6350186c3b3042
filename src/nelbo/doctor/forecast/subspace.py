"""The largest eigenvalues of a covariance too large to hold, in a few passes over the rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from nelbo.rng import generator, seeded

Rows = Callable[[], Iterable[Float[Tensor, "batch features"]]]

WANTED, BESIDES = 64, 16  # eigenvalues that are returned, and columns that only speed them up
TOLERANCE = 0.01  # of the largest eigenvalue, which by then is good to about its square
PASSES = 20


@dataclass(frozen=True)
class Subspace:
    """The largest eigenvalues, from below, and how sure the first of them is.

    Attributes:
        values: descending.
        residual: |C u - t u| / t of the largest, t: a true eigenvalue lies within this relative
            distance of it; the error is of the order of its square.
        passes: over the rows.
    """

    values: Float[Tensor, " values"]
    residual: float
    passes: int


# Y = C Q, Q'Y = W diag(t) W', next Q = qr(Y)        Halko, Martinsson & Tropp 2011, algorithm 4.4
def subspace(
    rows: Rows, features: int, wanted: int = WANTED, tolerance: float = TOLERANCE
) -> Subspace:
    """Return the largest eigenvalues of the mean of y y' over rows y, by subspace iteration.

    Memory is that of one batch and of three matrices [features, wanted + 16]. Every eigenvalue
    comes out too small rather than too large.

    Source: Halko, Martinsson & Tropp 2011, Finding structure with randomness, algorithm 4.4.

    Args:
        rows: gives the same rows, of mean 0, each time that it is called.
        features: length of a row.
        wanted: the number of eigenvalues.
        tolerance: the residual, relative to the largest eigenvalue, at which to stop.
    """
    columns = min(features, wanted + BESIDES)
    start = torch.randn(features, columns, generator=generator(0, features), dtype=torch.float64)
    basis = torch.linalg.qr(start).Q
    for done in range(1, PASSES + 1):
        image = _image(rows, basis)
        values, vectors = torch.linalg.eigh(basis.T @ image)
        largest = float(values[-1])
        apart = image @ vectors[:, -1] - largest * (basis @ vectors[:, -1])
        residual = float(apart.norm()) / largest if largest > 0 else 0.0
        if residual <= tolerance or done == PASSES:
            return Subspace(values.flip(0)[:wanted].clamp_min(0.0), residual, done)
        basis = torch.linalg.qr(image).Q
    raise AssertionError("unreachable")


def _image(rows: Rows, basis: Float[Tensor, "features k"]) -> Float[Tensor, "features k"]:
    total, n = torch.zeros_like(basis), 0
    with seeded(0):  # a transform that draws draws the same in every pass
        for y in rows():
            total += (y.T @ (y @ basis.to(y.dtype))).double()
            n += len(y)
    return total / n
