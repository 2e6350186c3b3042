"""What is optimised beside the model: what its objective learns itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn

from nelbo.data import Source
from nelbo.model import VAE
from nelbo.objectives import LearningObjective, Objective
from nelbo.rng import seeded
from nelbo.train.counting import numbers, put_back


def learning_of(objective: Objective, model: VAE, seed: int) -> nn.Module | None:
    """Return what the objective learns, afresh and where the model is; None if nothing."""
    if not isinstance(objective, LearningObjective):
        return None
    with seeded(seed):
        objective.setup(model.data_shape, model.latent)
        objective.connect(model.covariates)
    return objective.to(next(model.parameters()))


def check_together(model: VAE, objective: Objective, source: Source) -> None:
    """Refuse an objective that asks of the model what it has not, such as a KL per latent.

    It is taken of two examples, without a trace: what is missing says so itself.
    """
    if source.size is not None:
        model.posterior.check_examples(source.size)
    modules: list[nn.Module] = [m for m in (model, objective) if isinstance(m, nn.Module)]
    like = next(model.parameters())
    with seeded(0), _evaluating(modules):
        x = next(iter(source.epoch(2))).to(like)
        objective.at(0)(objective.terms(model, x))


@contextmanager
def _evaluating(modules: list[nn.Module]) -> Iterator[None]:
    before = [(module.training, numbers(module)) for module in modules]
    try:
        for module in modules:
            module.eval()
        yield
    finally:
        for module, (training, counts) in zip(modules, before, strict=True):
            module.train(training)
            put_back(module, counts)


def groups(model: VAE, learning: nn.Module | None, lr: float) -> list[dict[str, Any]]:
    """Return the parameters of the model, and those of the objective at their own step size."""
    own = [] if learning is None else [p for p in learning.parameters() if p.requires_grad]
    step = getattr(learning, "lr", None) or lr
    groups: list[dict[str, Any]] = [{"params": list(model.parameters())}]
    return [*groups, {"params": own, "lr": step}] if own else groups
