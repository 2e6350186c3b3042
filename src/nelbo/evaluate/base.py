"""What every estimator is, and what it needs of a model."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.distributions import Distribution

from nelbo.data import Source
from nelbo.errors import BadType, BadValue
from nelbo.evaluate.estimate import Estimate
from nelbo.evaluate.share import processes
from nelbo.likelihoods import Likelihood
from nelbo.terms import Terms

COUNTS = ("samples", "batch", "chunk")


@runtime_checkable
class Evaluable(Protocol):
    """All that evaluation asks of a model, nelbo's own or anybody's behind an adapter."""

    def terms(self, x: Tensor, samples: int = 1) -> Terms:
        """Return one forward pass with `samples` latents drawn for each example."""
        ...

    def reconstruct(self, x: Tensor) -> Tensor:
        """Return the mean of p(x|z) at the mean of q(z|x), in the shape of x."""
        ...


@runtime_checkable
class Decodable(Protocol):
    """What estimators that choose their own latents ask besides."""

    def decode(self, z: Tensor) -> Distribution:
        """Return p(x|z) of latents [samples, batch, latent], batch shape [samples, batch]."""
        ...


@dataclass(frozen=True)
class Estimator(ABC):
    """A frozen dataclass that measures a model on data.

    Raises:
        ValueError: a field named `samples`, `batch` or `chunk` is no integer of at least 1.

    Attributes:
        shares: whether several processes may measure some of the examples each: it then calls
            `share.gathered` for the rows of all of them, once for each quantity.
    """

    shares: ClassVar[bool] = False

    def __post_init__(self) -> None:
        for name in COUNTS:
            value = getattr(self, name, 1)
            if value is None and name == "chunk":
                continue
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                expected, fix = "an integer of at least 1", "Try 100."
                raise BadValue(name, expected=expected, got=value, fix=fix)

    @abstractmethod
    def __call__(self, model: Evaluable, data: Source) -> tuple[Estimate, ...]:
        """Return the estimates; no gradients, evaluation mode and a seed are the caller's care."""


def batches(model: Evaluable, data: Source, batch: int) -> Iterator[Tensor]:
    """Return the data in order, `batch` examples at most at a time, as the model's weights are.

    Raises:
        ValueError: data outside the domain of the model's likelihood.
    """
    weights = model.parameters() if isinstance(model, nn.Module) else ()
    like = next(iter(weights), torch.zeros(()))
    likelihood = getattr(model, "likelihood", None)
    for given in data.epoch(batch * processes(data)):
        if isinstance(likelihood, Likelihood):
            getattr(model, "check", likelihood.check)(given)
        # a stream has batches of its own size; of a short one some processes have no rows
        yield from (x.to(like) for x in given.split(batch) if len(x))


def data_of(model: Evaluable, x: Tensor, reconstructed: Tensor) -> Tensor:
    """Return the data of examples, without covariates; what is missing is as reconstructed."""
    inputs: Any = getattr(model, "inputs", None)
    if inputs is None or not (inputs.covariates or inputs.missing):
        return x
    data, _ = inputs.split(x)
    return torch.where(data.isnan(), reconstructed, data)


def decodable(model: Evaluable) -> Decodable:
    """Return the model as one that decodes any latents; TypeError where it cannot."""
    if not isinstance(model, Decodable):
        raise BadType(
            "model",
            expected="a method decode(z) beside terms and reconstruct",
            got=type(model).__name__,
            fix="Return p(x|z) for z of shape [samples, batch, latent].",
        )
    return model


def base_measure(model: Evaluable) -> str | None:
    """Return what the model's densities are densities against, where it says so."""
    likelihood = getattr(model, "likelihood", None)
    return getattr(likelihood, "base_measure", None)


def evaluation_mode(*models: object) -> AbstractContextManager[None]:
    """Run the block with modules and their parts in evaluation mode, then put their modes back."""
    return modes(models, lambda _: False)


@contextmanager
def modes(models: Iterable[object], training: Callable[[nn.Module], bool]) -> Iterator[None]:
    """Run the block with each part in the mode that `training` says, then put the modes back."""
    modules = [model for model in models if isinstance(model, nn.Module)]
    parts = {id(part): part for module in modules for part in module.modules()}.values()
    before = [part.training for part in parts]
    for part in parts:
        part.training = training(part)
    try:
        yield
    finally:
        for part, was in zip(parts, before, strict=True):
            part.training = was


def mean_estimate(
    name: str, per_example: Float[Tensor, " n"], samples: int | None = None
) -> Estimate:
    """Return the mean over the examples, in nats, with its standard error."""
    values = per_example.cpu().double()
    error = values.std().item() / math.sqrt(len(values)) if len(values) > 1 else math.nan
    return Estimate(name, values.mean().item(), "nats per example", error, len(values), samples)
