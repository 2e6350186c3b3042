"""Mean, range and covariance of data, in one pass and bounded memory."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from nelbo.data import Source
from nelbo.doctor.forecast.scatter import scatter, spectrum
from nelbo.doctor.forecast.subspace import Subspace, subspace
from nelbo.errors import BadValue
from nelbo.rng import seeded

LARGEST_COVARIANCE = 2048  # features; above, the Gram matrix of few examples, or subspace iteration
LARGEST_GRAM = 2048  # examples
KEPT = 2**25  # values that may be kept for a Gram matrix
BATCH = 2**22  # values of a batch


@dataclass(frozen=True)
class Moments:
    """Mean, variance, deviations and range of data.

    Attributes:
        mean: of each feature, [features], float64.
        variance: of each feature, [features], float64.
        root: R with R'R = the covariance: its columns can be scaled before a spectrum is taken;
            None where it would be too large.
        ends: the smallest and the largest value of each feature.
        examples: number of examples that went in.
        source: the data.
    """

    mean: Float[Tensor, " features"]
    variance: Float[Tensor, " features"]
    root: Float[Tensor, "rows features"] | None
    ends: Float[Tensor, "2 features"]
    examples: int
    source: Source | None = None

    @property
    def low(self) -> float:
        """The smallest value of all."""
        return float(self.ends[0].min())

    @property
    def high(self) -> float:
        """The largest value of all."""
        return float(self.ends[1].max())

    @property
    def data(self) -> Source:
        """The data; ValueError where the moments were made without it."""
        if self.source is None:
            fix = "Pass the data itself."
            raise BadValue("data", expected="more than moments", got="moments alone", fix=fix)
        return self.source

    def spectrum(self, noise: Float[Tensor, " features"] | None = None) -> Float[Tensor, " values"]:
        """Return the covariance's eigenvalues, descending, in units of `noise` if it is given.

        Above 2048 features and 2048 examples they are the 64 largest.
        """
        return self.solve(noise).values

    def solve(self, noise: Float[Tensor, " features"] | None = None) -> Subspace:
        """Return the same, with how sure the largest of them is."""
        sigma = torch.ones_like(self.mean) if noise is None else noise.sqrt()
        if self.root is not None:
            return Subspace(from_root(self.root / sigma), 0.0, 0)

        def rows() -> Iterator[Tensor]:
            for x in flat(self.data):
                yield (x - self.mean.to(x.dtype)) / sigma.to(x.dtype)

        return subspace(rows, len(self.mean))


def moments(data: Source, batch: int = 2000) -> Moments:
    """Return mean and covariance of the data's features, flattened, from all examples.

    Above 2048 features and 2048 examples no covariance is held; a spectrum then takes a few more
    passes over the data.

    Args:
        data: whatever `as_source` gives.
        batch: examples at a time, fewer where they are large.

    Example:
        >>> from nelbo.data import as_source
        >>> found = moments(as_source(torch.tensor([[0.0, 0.0], [2.0, 0.0]])))
        >>> found.spectrum()
        tensor([1., 0.], dtype=torch.float64)
    """
    with seeded(0):
        if torch.Size(data.shape).numel() <= LARGEST_COVARIANCE:
            return _exact(data, batch)
        return _large(data, batch)


def flat(data: Source, batch: int = 2000) -> Iterator[Float[Tensor, "batch features"]]:
    """Yield the examples flattened, on the CPU, in batches of at most 4 million values."""
    features = torch.Size(data.shape).numel()
    for x in data.epoch(max(1, min(batch, BATCH // features))):
        yield x.flatten(1).cpu()


def from_root(root: Float[Tensor, "rows features"]) -> Float[Tensor, " values"]:
    """Return the eigenvalues of R'R, descending, from the smaller of R'R and RR'."""
    rows, features = root.shape
    return spectrum(root @ root.T if rows < features else root.T @ root)


class Range:
    """The smallest and the largest value of each feature of what went by."""

    def __init__(self) -> None:
        self.ends = torch.tensor([[math.inf], [-math.inf]])

    def watch(self, rows: Iterable[Tensor]) -> Iterator[Tensor]:
        """Hand the rows on, and look at their values; ValueError for missing ones."""
        for x in rows:
            low, high = x.amin(0), x.amax(0)  # much faster than aminmax along an axis
            if bool(low.isnan().any()):
                raise BadValue(
                    "data of a forecast",
                    expected="finite values",
                    got="NaN, a missing entry",
                    fix="Forecast from the examples that are complete, x[~x.isnan().any(1)].",
                )
            self.ends = torch.stack((low.minimum(self.ends[0]), high.maximum(self.ends[1])))
            yield x


def _exact(data: Source, batch: int) -> Moments:
    seen = Range()
    found = scatter(seen.watch(flat(data, batch)))
    _check(found.covariance, seen)
    values, vectors = torch.linalg.eigh(found.covariance)
    root = (vectors * values.clamp_min(0.0).sqrt()).T
    variance = found.covariance.diagonal().clamp_min(0.0)
    return Moments(found.mean, variance, root, seen.ends, found.examples, data)


def _large(data: Source, batch: int) -> Moments:
    seen, n, kept = Range(), 0, []
    shift = first = second = torch.zeros((), dtype=torch.float64)
    for x in seen.watch(flat(data, batch)):
        if n == 0:
            shift = x.double().mean(0)
        n += len(x)
        kept = [*kept, x] if n <= LARGEST_GRAM and n * x.shape[1] <= KEPT else []
        centred = x.double() - shift
        first = first + centred.sum(0)
        second = second + (centred**2).sum(0)
    mean, variance = shift + first / n, (second / n - (first / n) ** 2).clamp_min(0.0)
    _check(variance, seen)
    root = (torch.cat(kept).double() - mean) / n**0.5 if kept else None
    return Moments(mean, variance, root, seen.ends, n, data)


def _check(variances: Tensor, seen: Range) -> None:
    if not bool(variances.isfinite().all()):
        raise BadValue(
            "data",
            expected="values whose squares are finite in single precision",
            got=f"values from {float(seen.ends.min()):g} to {float(seen.ends.max()):g}",
            fix="Divide them by their deviation.",
        )
