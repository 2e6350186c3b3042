"""Numbers that change with the training step: constant, linear warm-up, cyclical."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace

from nelbo.errors import BadValue
from nelbo.registry import register


@dataclass(frozen=True)
class Schedule(ABC):
    """A number for each training step, counted from 0."""

    @abstractmethod
    def __call__(self, step: int) -> float:
        """Return the value at `step`."""

    def check(self, steps: int) -> None:  # noqa: B027 - a constant needs no steps
        """Refuse a schedule that does not reach its end value within the run's `steps`."""


def _between(start: float, end: float, fraction: float) -> float:
    fraction = min(fraction, 1.0)
    return start * (1.0 - fraction) + end * fraction  # exact at both ends


def _steps(what: str, steps: int) -> None:
    if steps < 1:
        raise BadValue(what, expected="steps of at least 1", got=steps, fix="For example 5000.")


@register("schedule", "constant")
@dataclass(frozen=True)
class Constant(Schedule):
    """The same value always.

    Example:
        >>> Constant(1.0)(1000)
        1.0

    """

    value: float = 1.0

    def __call__(self, step: int) -> float:
        """Return `value`."""
        return self.value


# beta(t) = start + (end - start) min(t / steps, 1)                            Bowman et al. 2016
@register("schedule", "linear")
@dataclass(frozen=True)
class Linear(Schedule):
    """From `start` to `end` in `steps` steps, then constant: KL warm-up.

    Example:
        >>> Linear(steps=100)(50), Linear(steps=100)(500)
        (0.5, 1.0)

    """

    steps: int
    start: float = 0.0
    end: float = 1.0

    def __post_init__(self) -> None:
        _steps("linear schedule", self.steps)

    def __call__(self, step: int) -> float:
        """Return the value at `step`."""
        return _between(self.start, self.end, step / self.steps)

    def check(self, steps: int) -> None:
        """Refuse a warm-up longer than the run: beta would never reach its end value."""
        if self.steps > steps:
            raise BadValue(
                "warm-up",
                expected=f"at most the run's {steps} steps",
                got=f"{self.steps} steps, so that it ends at {self(steps):.3g}",
                fix=f"Use steps={max(1, steps // 2)}, or train longer.",
            )


# beta(t) = start + (end - start) min(tau / rise, 1),  tau = (t mod steps) / steps   Fu et al. 2019
@register("schedule", "cyclical")
@dataclass(frozen=True)
class Cyclical(Schedule):
    """Warm-ups of `steps` steps one after the other, each rising over the fraction `rise`.

    Example:
        >>> cycle = Cyclical(steps=100)
        >>> cycle(25), cycle(75), cycle(100)
        (0.5, 1.0, 0.0)

    """

    steps: int
    rise: float = 0.5
    start: float = 0.0
    end: float = 1.0

    def __post_init__(self) -> None:
        _steps("cyclical schedule", self.steps)
        if not 0 < self.rise <= 1:
            raise BadValue("rise", expected="a fraction in (0, 1]", got=self.rise, fix="Try 0.5.")

    def __call__(self, step: int) -> float:
        """Return the value at `step`."""
        phase = (step % self.steps) / self.steps
        return _between(self.start, self.end, phase / self.rise)

    def check(self, steps: int) -> None:
        """Refuse a run that ends inside a warm-up: its last beta would be less than `end`."""
        if not self._risen(steps - 1):
            raise BadValue(
                "cyclical schedule",
                expected=f"a cycle that has risen when the run's {steps} steps end",
                got=f"beta = {self(steps - 1):.3g} at the last step",
                fix=self._mending(steps),
            )

    def _risen(self, step: int) -> bool:
        return (step % self.steps) / self.steps >= self.rise

    def _mending(self, steps: int) -> str:
        nearest = sorted(range(1, steps + 1), key=lambda length: abs(length - self.steps))
        fitting = (n for n in nearest if replace(self, steps=n)._risen(steps - 1))
        length = next(fitting, None)
        return f"Use steps={length}." if length else "Use a smaller rise, such as rise=0.5."
