"""Masses on finitely many code vectors: q(z|x) and p(z) of models whose latents are quantised."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.distributions import Distribution, constraints

from nelbo.errors import BadValue
from nelbo.formulas import gradient_only

CODES = "mass on codes"  # the base measure: sequences of codes are counted
FIX = "Use the posterior 'vq', 'residual_vq' or 'fsq'."


@runtime_checkable
class Quantiser(Protocol):
    """A posterior whose latents are codes: what a prior over codes asks of it.

    Attributes:
        groups: how many codes an example has.
        codes: how many there are to choose from, in each group.
        books: how many codebooks: 1 where the groups share one, else one a group.
    """

    groups: int
    codes: int
    books: int

    def indices(self, z: Float[Tensor, "*shape latent"]) -> Int[Tensor, "*shape groups"]:
        """Return which codes the latents are: of `vectors(i)`, exactly i."""
        ...

    def vectors(self, indices: Int[Tensor, "*shape groups"]) -> Float[Tensor, "*shape latent"]:
        """Return the latents that codes stand for."""
        ...


class _Masses(Distribution):
    """A distribution on vectors, nearly all of mass 0; nothing of it is checked by torch."""

    @property
    def arg_constraints(self) -> dict[str, constraints.Constraint]:
        """None: arguments are checked where they come from."""
        return {}

    @property
    def support(self) -> Any:
        """Vectors of numbers."""
        return constraints.real_vector


# q(z|x) = 1 at z = e(x), the code vectors nearest to the encoder's output; 0 elsewhere
class Codes(_Masses):
    """q(z|x), a mass of 1 on one sequence of codes: log q = 0 nats there, and -inf elsewhere.

    So KL(q || p) = -log p(codes), and log p(x|z) - KL is a lower bound on log p(x). Draws have the
    gradient of the encoder's output: straight through.

    Source: van den Oord, Vinyals & Kavukcuoglu 2017, Neural discrete representation learning,
    equations 1 and 2.

    Args:
        encoded: what was quantised, [batch, latent]; it gets the gradient.
        vectors: what came of it, [batch, latent].
        indices: which codes these are, [batch, groups].
        quantiser: whose codes.
    """

    has_rsample = True
    has_density = True
    is_deterministic = True

    def __init__(
        self,
        encoded: Float[Tensor, "batch latent"],
        vectors: Float[Tensor, "batch latent"],
        indices: Int[Tensor, "batch groups"],
        quantiser: Quantiser,
    ) -> None:
        self.encoded, self.vectors, self.indices = encoded, vectors.detach(), indices
        self.codes, self.books = quantiser.codes, quantiser.books
        super().__init__(vectors.shape[:1], vectors.shape[1:], validate_args=False)

    @property
    def mean(self) -> Tensor:
        """The code vectors, with the encoder's gradient."""
        return self.vectors + gradient_only(self.encoded)

    @property
    def variance(self) -> Tensor:
        """Nothing: 0."""
        return torch.zeros_like(self.vectors)

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """Return the code vectors, [*sample_shape, batch, latent]: every draw is the same."""
        return self.mean.expand(*sample_shape, *self.vectors.shape)

    def log_prob(self, value: Tensor) -> Tensor:
        """Return 0 at the codes of each example, else -inf."""
        return _where(_same(value, self.vectors), torch.zeros_like(value[..., 0]))


class LearnedCodes(Codes):
    """Codes of a codebook that follows the encoder, which has to stay near them in return."""

    @property
    def distance(self) -> Float[Tensor, " batch"]:
        """|e(x) - sg(code vectors)|^2, with the encoder's gradient: no part of a density."""
        return (self.encoded - self.vectors).square().sum(-1)


class CodeSequences(_Masses):
    """p(z), a mass on every sequence of a quantiser's codes.

    Args:
        quantiser: whose codes.
        log_mass: log p of sequences [n, groups], in nats, [n].
        draw: that many sequences, [n, groups].
    """

    def __init__(
        self,
        quantiser: Quantiser,
        latent: int,
        log_mass: Callable[[Tensor], Tensor],
        draw: Callable[[int], Tensor],
    ) -> None:
        self.quantiser, self.log_mass, self.draw = quantiser, log_mass, draw
        super().__init__(torch.Size(), torch.Size((latent,)), validate_args=False)

    def log_prob(self, value: Tensor) -> Tensor:
        """Return log p of the codes that latents [*shape, latent] are, -inf where they are none."""
        indices = self.quantiser.indices(value)
        log_mass = self.log_mass(indices.flatten(0, -2)).view(value.shape[:-1])
        return _where(_same(value, self.quantiser.vectors(indices)), log_mass)

    @torch.no_grad()
    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """Return the code vectors of random sequences, [*sample_shape, latent]."""
        vectors = self.quantiser.vectors(self.draw(math.prod(sample_shape)))
        return vectors.view(*sample_shape, *self.event_shape)


# in a tuple, so that the posterior is no part of the prior: its weights are saved once
Connection = tuple[Quantiser, ...]


def connection(prior: object, posterior: object) -> Connection:
    """Return the posterior as one whose latents are codes, for a prior to keep.

    Raises:
        ValueError: its latents are no codes.
    """
    if not isinstance(posterior, Quantiser):
        raise BadValue(
            f"posterior {type(posterior).__name__}",
            expected=f"one whose latents are codes, for the prior {type(prior).__name__}",
            got="another",
            fix=FIX,
        )
    return (posterior,)


def connected(prior: object, found: Connection) -> Quantiser:
    """Return the posterior that a prior keeps.

    Raises:
        ValueError: it keeps none.
    """
    if not found:
        raise BadValue(
            f"prior {type(prior).__name__}",
            expected="a posterior that it is connected to",
            got="none",
            fix="Call prior.connect(posterior, data_shape, covariates), as nelbo.VAE does.",
        )
    return found[0]


def _same(a: Tensor, b: Tensor) -> Bool[Tensor, "*shape"]:
    """Whether latents are the same to rounding, as sums of codes are."""
    return torch.isclose(a, b, rtol=1e-5, atol=1e-6).all(-1)


def _where(inside: Tensor, log_mass: Tensor) -> Tensor:
    return torch.where(inside, log_mass, -torch.inf)
