"""Mean, range and covariance of data, in one pass and bounded memory."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from nelbo.data import Source
from nelbo.rng import generator, seeded

LARGEST_COVARIANCE = 2048  # features; above, the spectrum comes from the Gram matrix of a sample
SAMPLE = 2000


@dataclass(frozen=True)
class Moments:
    """Mean, variance, deviations and range of data.

    Attributes:
        mean: of each feature, [features], float64.
        variance: of each feature, [features], float64.
        root: R with R'R = the covariance: its columns can be scaled before a spectrum is taken.
        low: the smallest value.
        high: the largest value.
        examples: number of examples that went in.
    """

    mean: Float[Tensor, " features"]
    variance: Float[Tensor, " features"]
    root: Float[Tensor, "rows features"]
    low: float
    high: float
    examples: int

    def spectrum(self, noise: Float[Tensor, " features"] | None = None) -> Float[Tensor, " values"]:
        """Return the covariance's eigenvalues, descending, in units of `noise` if it is given."""
        root = self.root if noise is None else self.root / noise.sqrt()
        rows, features = root.shape
        small = root @ root.T if rows < features else root.T @ root
        return torch.linalg.eigvalsh(small).flip(0).clamp_min(0.0)


def moments(data: Source, batch: int = 2000) -> Moments:
    """Return mean and covariance of the data's features, flattened.

    Up to 2048 features everything is that of all examples; above, of 2000 of them, drawn with a
    fixed seed (from a stream, the first 2000). So few spread the spectrum: of D independent
    features of variance 1 the largest eigenvalue comes out as (1 + sqrt(D / 2000))^2.

    Example:
        >>> from nelbo.data import as_source
        >>> found = moments(as_source(torch.tensor([[0.0, 0.0], [2.0, 0.0]])))
        >>> found.spectrum()
        tensor([1., 0.], dtype=torch.float64)
    """
    features = torch.Size(data.shape).numel()
    with seeded(0):
        if features <= LARGEST_COVARIANCE:
            return _exact(data, features, batch)
        return _sampled(data, batch)


def _exact(data: Source, features: int, batch: int) -> Moments:
    n, first = 0, torch.zeros(features, dtype=torch.float64)
    second = torch.zeros(features, features, dtype=torch.float64)
    shift: Tensor | None = None
    low, high = math.inf, -math.inf
    for x in data.epoch(batch):
        flat = x.flatten(1).cpu()
        low, high = min(low, float(flat.min())), max(high, float(flat.max()))
        # products of shifted data in float32 lose nothing that matters; their sums are in float64
        shift = flat.mean(0) if shift is None else shift
        centred = flat - shift
        n += len(flat)
        first += centred.double().sum(0)
        second += (centred.T @ centred).double()
    assert shift is not None
    mean = first / n
    covariance = second / n - torch.outer(mean, mean)
    values, vectors = torch.linalg.eigh(covariance)
    root = (vectors * values.clamp_min(0.0).sqrt()).T
    variance = covariance.diagonal().clamp_min(0.0)
    return Moments(mean + shift.double(), variance, root, low, high, n)


def _sampled(data: Source, batch: int) -> Moments:
    kept, n = [], 0
    for x in data.epoch(min(batch, SAMPLE), order=generator(0)):
        kept.append(x.flatten(1)[: SAMPLE - n].cpu())
        n += len(kept[-1])
        if n == SAMPLE:
            break
    rows = torch.cat(kept).double()
    mean = rows.mean(0)
    root = (rows - mean) / n**0.5
    return Moments(mean, (root**2).sum(0), root, float(rows.min()), float(rows.max()), n)
