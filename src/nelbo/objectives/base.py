"""What every objective is: `Terms` to a number per example, to be maximised."""

from __future__ import annotations

import copy
import inspect
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call

from nelbo.errors import BadValue
from nelbo.objectives.schedules import Schedule
from nelbo.terms import Terms


class Objective(ABC):
    """Turns `Terms` into nats per example, [batch], to be maximised.

    One without memory is a frozen dataclass. One that learns or remembers while a model trains (a
    critic, a multiplier) is a `LearningObjective`.

    Attributes:
        samples: latents drawn for each example.
        uses_likelihood: whether log p(x|z) is in it; where not, what it gives are no nats, and its
            belief says so.
    """

    samples: int = 1
    uses_likelihood: ClassVar[bool] = True

    @abstractmethod
    def __call__(self, terms: Terms) -> Float[Tensor, " batch"]:
        """Return the objective of each example."""

    @property
    @abstractmethod
    def belief(self) -> str:
        """One phrase that says what is maximised."""

    def terms(self, model: Any, x: Tensor) -> Terms:
        """Return the forward pass that the objective is taken of."""
        return model.terms(x, self.samples)

    def measured(self, model: Any) -> Any:
        """Return what validation measures: the model, or one of which it knows how to ask."""
        return model

    def check_data(self, model: Any, x: Tensor) -> bool:
        """Refuse data that this cannot be taken of; return whether all is in the support."""
        if model.missing and not self.uses_likelihood:
            raise BadValue(
                f"missing entries under {type(self).__name__}",
                expected="an objective of log p(x|z), from which they can be left out",
                got="one that compares whole examples",
                fix="Use 'elbo' or 'iwae'.",
            )
        return model.check(x)

    def at(self, step: int) -> Objective:
        """Return this objective with every schedule replaced by its value at `step`."""
        schedules = self._schedules()
        return self.with_values({name: s(step) for name, s in schedules}) if schedules else self

    @property
    def scheduled(self) -> tuple[str, ...]:
        """Names of the arguments that are schedules."""
        return tuple(name for name, _ in self._schedules())

    def with_values(self, values: Mapping[str, float | Tensor]) -> Objective:
        """Return this objective with other arguments, unchecked."""
        twin = copy.copy(self)
        for name, value in values.items():
            object.__setattr__(twin, name, value)
        return twin

    def check(self, steps: int) -> None:
        """Refuse schedules that do not fit a run of `steps` steps, or take a value out of range."""
        for _, schedule in self._schedules():
            schedule.check(steps)
        for step in (0, steps - 1):
            type(self)(**{name: _at(value, step) for name, value in self._arguments()})

    def parameters(self) -> Iterable[nn.Parameter]:
        """Return what it learns itself."""
        return ()

    def _arguments(self) -> list[tuple[str, Any]]:
        return [(name, getattr(self, name)) for name in inspect.signature(type(self)).parameters]

    def _schedules(self) -> list[tuple[str, Schedule]]:
        return [(name, v) for name, v in self._arguments() if isinstance(v, Schedule)]


class LearningObjective(nn.Module, Objective):
    """An objective that learns or remembers while a model trains.

    It is trained by the same backward pass as the model, in the same step: what it returns has the
    gradient of both. Each sees its own alone: the model through `frozen` (the critic as it is), the
    critic through latents that are detached, added by `formulas.gradient_only`, so that the value
    stays the model's objective. The critic's parameters are a second group of the optimiser.

    Attributes:
        lr: step size of its parameters; None for the model's.
    """

    lr: float | None = None

    def setup(self, data_shape: tuple[int, ...], latent: int) -> None:
        """Create what it learns, afresh; `fit` calls it before the first step.

        Args:
            data_shape: shape of one example.
            latent: number of latents.
        """

    def connect(self, covariates: int) -> None:
        """Create what depends on the model's covariates; `fit` calls it once, after `setup`.

        Args:
            covariates: their number; 0 where the model has none.

        Raises:
            ValueError: there is no such objective without covariates.

        """

    @abstractmethod
    def forward(self, terms: Terms) -> Float[Tensor, " batch"]:
        """Return the objective of each example."""

    def __call__(self, terms: Terms) -> Float[Tensor, " batch"]:
        """Return the objective of each example."""
        return nn.Module.__call__(self, terms)


def number(name: str, value: float | Tensor | Schedule) -> float | Tensor:
    """Return an argument that is a number by now; ValueError where it is still a schedule."""
    if isinstance(value, Schedule):
        fix = "Take the objective at a step: objective.at(step)."
        raise BadValue(name, expected="a number", got="a schedule", fix=fix)
    return value


def _at(value: Any, step: int) -> Any:
    return value(step) if isinstance(value, Schedule) else value


def frozen(module: nn.Module) -> Any:
    """Return a module as a function through which gradients pass, but none to its parameters.

    Example:
        >>> import torch
        >>> critic = nn.Linear(2, 1)
        >>> z = torch.ones(3, 2, requires_grad=True)
        >>> frozen(critic)(z).sum().backward()
        >>> z.grad is not None, critic.weight.grad is None
        (True, True)

    """
    state = {name: p.detach() for name, p in module.named_parameters()}
    return lambda *inputs: functional_call(module, state, inputs)
