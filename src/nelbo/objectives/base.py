"""What every objective is: `Terms` to a number per example, to be maximised."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

from jaxtyping import Float
from torch import Tensor

from nelbo.objectives.schedules import Schedule
from nelbo.terms import Terms


@dataclass(frozen=True)
class Objective(ABC):
    """A frozen dataclass that turns `Terms` into nats per example, [batch], to be maximised."""

    @abstractmethod
    def __call__(self, terms: Terms) -> Float[Tensor, " batch"]:
        """Return the objective of each example."""

    @property
    @abstractmethod
    def belief(self) -> str:
        """One phrase that says what is maximised."""

    def at(self, step: int) -> Objective:
        """Return this objective with every schedule replaced by its value at `step`."""
        schedules = self._schedules()
        return replace(self, **{name: s(step) for name, s in schedules}) if schedules else self

    @property
    def scheduled(self) -> tuple[str, ...]:
        """Names of the fields that are schedules."""
        return tuple(name for name, _ in self._schedules())

    def with_values(self, values: Mapping[str, Tensor]) -> Objective:
        """Return this objective with fields that are tensors, unchecked: for compiled steps."""
        twin = copy.copy(self)
        for name, value in values.items():
            object.__setattr__(twin, name, value)
        return twin

    def check(self, steps: int) -> None:
        """Refuse schedules that do not fit a run of `steps` steps, or take a value out of range."""
        for _, schedule in self._schedules():
            schedule.check(steps)
        for step in (0, steps - 1):
            self.at(step)

    def _schedules(self) -> list[tuple[str, Schedule]]:
        values = [(field.name, getattr(self, field.name)) for field in fields(self)]
        return [(name, value) for name, value in values if isinstance(value, Schedule)]
