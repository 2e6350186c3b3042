"""What goes with what, found by trying: the model is built, and `fit`'s dry run is done."""

from __future__ import annotations

import warnings
from functools import cache, lru_cache

import torch
from catalogue import TRIED

import nelbo
from nelbo import registry
from nelbo.data import Examples
from nelbo.errors import NelboError, NelboWarning
from nelbo.train.learning import check_together, learning_of

MODEL = ("network", "likelihood", "posterior", "prior")
USUAL = {
    "network": "mlp",
    "likelihood": "bernoulli",
    "posterior": "diagonal",
    "prior": "standard",
    "objective": "reconstruction",
}
SHAPES = {"a picture": (1, 12, 12), "a series": (24, 6), "a row": (144,)}
CLASSES = 3
NEED_CLASSES = ("conditional", "m2")


def names(axis: str) -> tuple[str, ...]:
    """Return the components of an axis that a text can name."""
    return tuple(name for name in registry.names(axis) if name != "modules")


def built(axis: str, name: str):
    """Build a component at the size for trying."""
    return registry.build(axis, TRIED.get(name, name))


def data_of(model: nelbo.VAE, n: int) -> torch.Tensor:
    """Return examples that the likelihood allows: its own draws, with classes where needed."""
    torch.manual_seed(0)
    likelihood = model.likelihood
    made = torch.randn(1, n, *likelihood.parameter_shape(model.data_shape))
    with torch.no_grad():
        x = likelihood(0.5 * made).sample()[0].float()
    if not model.covariates:
        return x
    classes = torch.eye(model.covariates)[torch.arange(n) % model.covariates]
    return nelbo.data.beside(x, classes)


def shape_for(chosen: dict[str, str]) -> tuple[int, ...]:
    """Return the data's shape: pictures, or rows for what is made of columns."""
    return SHAPES["a row" if "columns" in chosen.values() else "a picture"]


@lru_cache(maxsize=4)
def small(classes: bool, shape: tuple[int, ...], *chosen: str) -> tuple[nelbo.VAE, Examples]:
    """Return a model of names, axis by axis, and data of it."""
    covariates = CLASSES if classes else 0
    parts = {axis: built(axis, name) for axis, name in zip(MODEL, chosen, strict=True)}
    torch.manual_seed(0)
    model = nelbo.VAE(shape, 20, covariates=covariates, **parts)
    return model, Examples(data_of(model, 40))


@cache
def refusal(shape: tuple[int, ...] | None = None, **other: str) -> NelboError | None:
    """Return why a combination is refused, None where it goes.

    The model is built, and what `fit` does before its first step is done.

    Args:
        shape: of the data; by default a picture, or a row for what is made of columns.
        other: axes that have not the usual component.
    """
    chosen = {**USUAL, **other}
    classes = bool(set(chosen.values()) & set(NEED_CLASSES))
    shape = shape or shape_for(chosen)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NelboWarning)
            model, source = small(classes, shape, *(chosen[axis] for axis in MODEL))
            objective = built("objective", chosen["objective"])
            learning_of(objective, model, 0)
            check_together(model, objective, source)
            # 'reconstruction' asks for no prior
            _ = model.terms(next(iter(source.epoch(2)))).log_pz
    except NelboError as error:
        return error
    return None


def homes(posterior: str) -> list[str]:
    """Return the priors that go with a posterior, the usual one first."""
    every = sorted(names("prior"), key=lambda name: (name != USUAL["prior"], name))
    return [p for p in every if refusal(posterior=posterior, prior=p) is None]


def measure(axis: str, name: str) -> str:
    """Return what a posterior's or a prior's density is a density against."""
    return built(axis, name).base_measure
