"""`Context`: what a posterior or a prior may ask of the rest of the model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor
from torch.distributions import Distribution

from nelbo import registry
from nelbo.errors import BadValue

EUCLIDEAN = "density on R^K"  # the base measure of most latents


@dataclass(frozen=True)
class Context:
    """The model around one forward pass, for components that are made of other components.

    A VampPrior mixes posteriors, a Hamiltonian posterior follows the gradient of log p(x, z), a
    top-down posterior starts at the prior: each asks here, and nothing is computed unless asked.

    Attributes:
        x: data, [batch, *data_shape]; None where latents come from the prior alone.
        y: covariates, [batch, covariates], or [covariates], the mean ones, where none were given;
            None where the model has none.
        encode: q(z|x) of any examples, [n, *data_shape].
        decode: p(x|z) of latents, [samples, batch, latent].
        prior: p(z), or p(z|y).
    """

    x: Tensor | None
    y: Tensor | None
    encode: Callable[[Tensor], Distribution]
    decode: Callable[[Tensor], Distribution]
    prior: Callable[[], Distribution]


def by_itself(what: str, expected: str, call: str) -> BadValue:
    """Return the error of a component that was called without the model around it.

    Args:
        what: the component.
        expected: what of the model it needs.
        call: of the model, that answers the question.
    """
    fix = f"Ask the model: {call}."
    return BadValue(what, expected=expected, got="a call by itself", fix=fix)


def priors_of(base_measure: str) -> list[str]:
    """Return the names of priors against a base measure; of R^K's the one that always will do."""
    if base_measure == EUCLIDEAN:
        return ["standard"]
    kinds = {name: registry.component("prior", name) for name in registry.names("prior")}
    return [n for n, kind in kinds.items() if getattr(kind, "base_measure", "") == base_measure]
