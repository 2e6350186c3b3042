"""What is seen in data, in one pass and bounded memory."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from jaxtyping import Bool, Float, Float64, Int64, Shaped
from torch import Tensor

from nelbo.doctor.suggest.reading import Reading
from nelbo.errors import BadValue

KEPT = 2**24  # values of the examples that are kept for what takes several looks
FITTED = (4000, 64)  # examples and features that densities are fitted to
LEVEL = 1e-3  # of a grey level: a multiple of 1/255 in single precision lies within


@dataclass(frozen=True)
class Evidence:
    """What is seen in data; the facts are of all examples, the sample holds some of them.

    Attributes:
        shape: of one example.
        examples: how many there are.
        dtype: in which they are stored.
        transform: text of the one that the data has been given already, beside `scale`.
        sample: evenly spaced examples, flattened, as stored; NaN where a value is missing.
        low: smallest value of each feature.
        high: largest value of each feature.
        mean: of each feature.
        deviation: of each feature.
        zeros: share of the values of each feature that are 0.
        gaps: share of the values of each feature that are missing.
        whole: features whose values are integers.
        grey: features whose values are multiples of 1/255.
        words: for how many words the codes of each feature stand; 0 of numbers.
    """

    shape: tuple[int, ...]
    examples: int
    dtype: torch.dtype
    transform: str | None
    sample: Shaped[Tensor, "rows features"]
    low: Float[Tensor, " features"]
    high: Float[Tensor, " features"]
    mean: Float64[Tensor, " features"]
    deviation: Float64[Tensor, " features"]
    zeros: Float64[Tensor, " features"]
    gaps: Float64[Tensor, " features"]
    whole: Bool[Tensor, " features"]
    grey: Bool[Tensor, " features"]
    words: Int64[Tensor, " features"]

    @property
    def features(self) -> int:
        """The number of features."""
        return len(self.low)

    @property
    def varying(self) -> Bool[Tensor, " features"]:
        """The features that are not constant."""
        return self.high > self.low

    @property
    def lowest(self) -> float:
        """The smallest value of all."""
        return float(self.low.nan_to_num(math.inf).min())

    @property
    def highest(self) -> float:
        """The largest value of all."""
        return float(self.high.nan_to_num(-math.inf).max())

    @property
    def is_image(self) -> bool:
        """Whether an example has rows and columns."""
        return len(self.shape) > 1

    @cached_property
    def values(self) -> Float64[Tensor, "rows some"]:
        """Some examples and some features that vary, gaps filled, for fits."""
        columns = _spread(self.varying.nonzero()[:, 0], FITTED[1])
        rows = _spread(torch.arange(len(self.sample)), FITTED[0])
        return filled(self.sample[rows][:, columns].double())

    def of(self, columns: Int64[Tensor, " some"]) -> Evidence:
        """Return what is seen in some of the features."""
        names = ("low", "high", "mean", "deviation", "zeros", "gaps", "whole", "grey", "words")
        facts = {name: getattr(self, name)[columns] for name in names}
        return replace(self, shape=(len(columns),), sample=self.sample[:, columns], **facts)


def look(reading: Reading) -> Evidence:
    """Return what is seen in one pass over stored examples.

    Raises:
        ValueError: fewer than 2 examples, or nothing that varies.
    """
    seen = _Pass()
    for x in reading.batches:
        seen.add(x)
    if seen.examples < 2:
        fix = "One example says nothing about how examples differ: give more."
        raise BadValue("data", expected="at least 2 examples", got=seen.examples, fix=fix)
    found = seen.found(reading)
    if not bool((found.gaps < 1).any()):
        fix = "Look at how the file was made."
        raise BadValue("data", expected="values", got="nothing but NaN", fix=fix)
    if not bool(found.varying.any()):
        got = f"{found.examples:,} equal examples"
        fix = "There is nothing to learn: look at how the data was made."
        raise BadValue("data", expected="examples that differ", got=got, fix=fix)
    return found


class _Pass:
    """Sums over the examples of each feature, and every k-th example."""

    def __init__(self) -> None:
        self.examples, self.every, self.kept = 0, 1, []
        self.shift = torch.zeros(())

    def add(self, x: Float[Tensor, "batch features"]) -> None:
        """Take some more examples into account."""
        there = ~x.isnan()
        facts = self._facts(x, there)
        if self.examples == 0:
            self.facts = facts
        else:
            combine = {"low": torch.minimum, "high": torch.maximum}
            self.facts = {
                name: combine.get(name, torch.add)(self.facts[name], value)
                for name, value in facts.items()
            }
        offset = -self.examples % self.every
        self.kept.append(x[offset :: self.every].clone())
        self.examples += len(x)
        while sum(map(len, self.kept)) * x.shape[1] > KEPT and sum(map(len, self.kept)) > 2:
            self.kept, self.every = [torch.cat(self.kept)[::2].clone()], 2 * self.every

    def _facts(
        self, x: Float[Tensor, "batch features"], there: Bool[Tensor, "batch features"]
    ) -> dict[str, Tensor]:
        held = x if bool(there.all()) else x.masked_fill(~there, 0.0)
        if self.examples == 0:
            self.shift = held.double().mean(0)
        centred = (held.double() - self.shift).masked_fill_(~there, 0.0)
        grey = 255 * held
        return {
            "low": held.masked_fill(~there, math.inf).amin(0),
            "high": held.masked_fill(~there, -math.inf).amax(0),
            "count": there.sum(0),
            "first": centred.sum(0),
            "second": centred.square().sum(0),
            "zeros": ((held == 0) & there).sum(0),
            "broken": (held != held.round()).sum(0),
            "uneven": ((grey - grey.round()).abs() > LEVEL).sum(0),
        }

    def found(self, reading: Reading) -> Evidence:
        """Return what was seen."""
        facts = self.facts
        count = facts["count"].double()
        mean = facts["first"] / count
        variance = (facts["second"] / count - mean.square()).clamp_min(0.0)
        inside = (facts["low"] >= 0) & (facts["high"] <= 1)
        words = torch.tensor([reading.words.get(i, 0) for i in range(len(count))])
        return Evidence(
            reading.shape, self.examples, reading.dtype, reading.transform,
            torch.cat(self.kept).to(reading.dtype), facts["low"], facts["high"],
            self.shift + mean, variance.sqrt(), facts["zeros"] / count, 1 - count / self.examples,
            facts["broken"] == 0, (facts["uneven"] == 0) & inside, words,
        )  # fmt: skip


def filled(x: Shaped[Tensor, "rows features"]) -> Shaped[Tensor, "rows features"]:
    """Return examples whose gaps hold other values of the same feature, in order.

    So every value is one that the feature has; that it goes with the others is lost.

    Example:
        >>> filled(torch.tensor([[1.0], [torch.nan], [3.0]])).flatten().tolist()
        [1.0, 3.0, 3.0]
    """
    if not x.is_floating_point() or not bool(x.isnan().any()):
        return x
    full = x.clone()
    for column in full.T:
        gaps = column.isnan()
        there = column[~gaps]
        if len(there):
            # a step that is not 1, lest a run of gaps repeat a run of values
            steps = torch.arange(1, int(gaps.sum()) + 1) * 7919
            column[gaps] = there[steps % len(there)]
        else:
            column[:] = 0.0
    return full


def _spread(index: Int64[Tensor, " n"], at_most: int) -> Int64[Tensor, " m"]:
    count = min(at_most, len(index))
    return index[torch.arange(count) * len(index) // max(1, count)]
