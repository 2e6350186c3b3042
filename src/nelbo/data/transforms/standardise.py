"""Real-valued features to mean 0 and deviation 1."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import torch
from jaxtyping import Bool, Float32, Float64, Shaped
from torch import Tensor

from nelbo.data.arrays import chunks
from nelbo.data.transforms.transform import Transform
from nelbo.errors import BadValue
from nelbo.registry import register

Numbers = tuple[float, ...]


# y = (x - m) / s,   log p(x) = log p(y) - sum_d log s_d
@register("transform", "standardise")
@dataclass(frozen=True)
class Standardise(Transform):
    """Each real-valued feature less its mean, over its deviation, both of the training data.

    Features of whole numbers from 0 on (bits, counts, numbers of categories) are left alone, and so
    are constant ones; `columns` says otherwise. What is missing (NaN) stays missing and is left out
    of the statistics. Mean and deviation become arguments once the training data is seen, so
    that a run records them, and its test data, samples and reconstructions are given the same ones.

    Densities are those of y. What has to be added to a log-density to make it that of x:
    `log_scale`.

    Args:
        columns: numbers of the features that are standardised, from 0 on; None for those whose
            training values are not all whole numbers from 0 on.
        mean: of each feature; None until the training data is seen, as it is for `deviation`.
        deviation: of each feature, positive.

    Raises:
        ValueError: columns that are not there, data of another size, or one of `mean` and
            `deviation` without the other.

    Example:
        >>> x = torch.tensor([[1e6, 0.0], [1.5, 1.0]])
        >>> standardise = Standardise().fitted(x)
        >>> y = standardise(x)
        >>> y.tolist(), torch.equal(standardise.undone(y), x)
        ([[1.0, 0.0], [-1.0, 1.0]], True)
    """

    columns: tuple[int, ...] | None = None
    mean: Numbers | None = None
    deviation: Numbers | None = None

    def __post_init__(self) -> None:
        for name in ("columns", "mean", "deviation"):
            given: Any = getattr(self, name)
            if given is not None:
                object.__setattr__(self, name, tuple(given))
        known = (self.mean is None, self.deviation is None)
        if known[0] != known[1] or (self.mean and len(self.mean) != len(self.deviation or ())):
            raise BadValue(
                "standardise",
                expected="mean and deviation of as many features, or neither",
                got=f"{len(self.mean or ())} and {len(self.deviation or ())}",
                fix="Leave both out: they are taken from the training data.",
            )
        if self.deviation is not None and not all(0 < s < math.inf for s in self.deviation):
            expected, fix = "positive numbers", "Use 1 for a feature that is to stay as it is."
            raise BadValue("deviation", expected=expected, got=self.deviation, fix=fix)

    @property
    def whole_array(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Whether the whole data has to be seen beforehand: once, for its mean and deviation."""
        return self.mean is None

    def fitted(self, array: Shaped[Tensor, " n *shape"]) -> Standardise:
        """Return this transform with the mean and the deviation of training data."""
        if self.mean is not None:
            return self
        mean, deviation, whole = _statistics(array)
        chosen = (~whole).nonzero()[:, 0].tolist() if self.columns is None else self.columns
        wrong = [c for c in chosen if not (isinstance(c, int) and 0 <= c < len(mean))]
        if wrong:
            expected = f"numbers of features, 0 to {len(mean) - 1}"
            fix = "The first column is number 0."
            raise BadValue("columns", expected=expected, got=wrong[0], fix=fix)
        left = torch.ones_like(whole)
        left[list(chosen)] = False
        left |= ~(deviation > 0)
        mean, deviation = mean.masked_fill(left, 0.0), deviation.masked_fill(left, 1.0)
        return replace(self, mean=tuple(mean.tolist()), deviation=tuple(deviation.tolist()))

    def prepare(self, array: Shaped[Tensor, " n *shape"]) -> Shaped[Tensor, " n *shape"]:
        """Return the array itself, checked."""
        size = math.prod(array.shape[1:])
        if self.mean is not None and size != len(self.mean):
            raise BadValue(
                "data to standardise",
                expected=f"{len(self.mean)} features, as in the training data",
                got=size,
                fix="Give data of the same columns.",
            )
        return array

    def __call__(self, batch: Shaped[Tensor, " b *shape"]) -> Float32[Tensor, " b *shape"]:
        """Return the batch, standardised."""
        mean, deviation = self._numbers(batch)
        # in double precision: years and prices lie far from 0 and close together
        return ((batch.double() - mean) / deviation).float()

    def undone(self, x: Shaped[Tensor, " b *shape"]) -> Shaped[Tensor, " b *shape"]:
        """Return examples in the units of the data."""
        mean, deviation = self._numbers(x)
        return (x.double() * deviation + mean).float()

    def log_scale(self, x: Shaped[Tensor, " b *shape"]) -> Float64[Tensor, " b"]:
        """Return what makes log p(y) that of the data, nats per example: of what is not missing."""
        _, deviation = self._numbers(x)
        return -(deviation.log() * ~x.isnan()).flatten(1).sum(1).cpu()

    def _numbers(self, x: Tensor) -> tuple[Tensor, Tensor]:
        if self.mean is None or self.deviation is None:
            raise BadValue(
                "standardise",
                expected="mean and deviation of the training data",
                got="none so far",
                fix="Call fitted(train) first, as nelbo.data.load does.",
            )
        each = (self.mean, self.deviation)
        shape = x.shape[1:]
        mean, deviation = (torch.tensor(n, dtype=torch.float64).view(shape) for n in each)
        return mean.to(x.device), deviation.to(x.device)


def _statistics(
    array: Shaped[Tensor, " n *shape"],
) -> tuple[Float64[Tensor, " d"], Float64[Tensor, " d"], Bool[Tensor, " d"]]:
    """Return mean and deviation of each feature, and whether it holds whole numbers from 0 on."""
    count, first, whole = 0, 0.0, True
    for _, x in chunks(array.flatten(1)):
        count, first = count + (~x.isnan()).sum(0), first + x.double().nansum(0)
        whole = whole & ((x >= 0) & (x == x.round()) | x.isnan()).all(0)
    mean, whole = torch.as_tensor(first / count), torch.as_tensor(whole)
    second = sum((x.double() - mean).square().nansum(0) for _, x in chunks(array.flatten(1)))
    return mean.nan_to_num(0.0), torch.as_tensor(second / count).sqrt().nan_to_num(0.0), whole
