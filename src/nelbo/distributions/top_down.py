"""Gaussians level by level: latents of which each part depends on the parts before it."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property
from typing import NamedTuple, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import constraints
from torch.types import _size

from nelbo.distributions.base import Latents
from nelbo.errors import BadValue
from nelbo.formulas import gaussian_kl, gaussian_log_prob

Level = int | tuple[int, ...]  # how many latents it has, or the shape of its maps
LARGEST = 10.0  # of a logarithm of a variance: sigma within 1/148 and 148, as NVAE's


class Gaussian(NamedTuple):
    """Mean and logarithm of the variance of independent latents."""

    mu: Tensor
    logvar: Tensor


@runtime_checkable
class TopDownNetwork(Protocol):
    """What computes p(z_l | z_<l): a state goes down the levels, and each adds what it is.

    Attributes:
        levels: how many latents each level has, or the shape of its maps, the top first.
        hidden: size of the state, or its channels.
        points: of `standard_points`, at which moments are averaged, [points, latent].
    """

    levels: tuple[Level, ...]
    hidden: int
    points: Tensor

    def top(self) -> Float[Tensor, " *state"]:
        """Return the state above the first level."""
        ...

    def conditional(self, level: int, state: Float[Tensor, " *state"]) -> Gaussian:
        """Return p(z_l | z_<l) of the state above a level."""
        ...

    def advance(
        self, level: int, state: Float[Tensor, " *state"], z: Float[Tensor, "*shape size"]
    ) -> Float[Tensor, " *next"]:
        """Return the state below a level, of the one above it and the level's latents."""
        ...


class Step(NamedTuple):
    """One level of a walk down: its latents, their distribution, and the prior's."""

    z: Tensor
    own: Gaussian
    prior: Gaussian


# what q(z_l | z_<l, x) is, of a level, the state above it and p(z_l | z_<l)
Merge = Callable[[int, Tensor, Gaussian], Gaussian]


# q(z) = prod_l N(z_l; mu_l(z_<l), diag exp(logvar_l(z_<l)))
class TopDownGaussian(Latents):
    """Gaussian levels, each given those above it; the latents are the levels side by side.

    Mean and variance of all levels but the first are no closed forms: those stated are averages of
    the conditional ones over a fixed set of points, and `moments_are_estimated` says so. The walk
    down of the latest draw is kept, so that its density and its KL cost no other; at any other
    tensor, equal or not, the levels are walked down again.

    Source: Sonderby et al. 2016, Ladder variational autoencoders, equations 1 and 2.

    Args:
        network: of the conditionals of the prior.
        batch_shape: of the distribution.
        merge: makes the posterior's conditionals of the prior's; none for the prior itself.
    """

    support = constraints.real_vector  # pyright: ignore
    moments_are_estimated = True

    def __init__(
        self,
        network: TopDownNetwork,
        batch_shape: torch.Size = torch.Size(),  # noqa: B008 - it cannot change
        merge: Merge | None = None,
    ) -> None:
        super().__init__(batch_shape, network.points.shape[1:], validate_args=False)
        self.network, self.points, self.merge = network, network.points, merge
        self._drawn: tuple[Tensor, list[Step]] | None = None

    def rsample(self, sample_shape: _size = torch.Size()) -> Tensor:  # noqa: B008
        """Return fresh latents, [*sample_shape, *batch_shape, latent]."""
        shape = self._extended_shape(torch.Size(sample_shape))
        noise = torch.randn(shape, dtype=self.points.dtype, device=self.points.device)
        steps = self._draw(noise)
        z = torch.cat([step.z for step in steps], dim=-1)
        self._drawn = z, steps
        return z

    def log_prob(self, value: Tensor) -> Tensor:
        """Return log q(z), in nats per example."""
        each = [gaussian_log_prob(step.z, *step.own).sum(-1) for step in self._steps(value)]
        return torch.stack(torch.broadcast_tensors(*each)).sum(0)

    # E_q(z) KL(q(z_l | z_<l) || p(z_l | z_<l)) for every l: only z_<l is drawn
    def kl_per_latent(
        self, p: object, z: Float[Tensor, "samples batch latent"]
    ) -> Float[Tensor, "batch latent"] | None:
        """Return the mean over draws of the levels' closed KLs; None for another prior's p."""
        if not isinstance(p, TopDownGaussian) or p.network is not self.network:
            return None
        each = [_kl(step).expand(step.z.shape) for step in self._steps(z)]
        return torch.cat(each, dim=-1).mean(0)

    @property
    def mean(self) -> Tensor:
        """The mean, estimated."""
        return self._moments[0]

    @property
    def variance(self) -> Tensor:
        """The variance, estimated."""
        return self._moments[1]

    @cached_property
    def _moments(self) -> tuple[Tensor, Tensor]:
        """Return E[mu] and E[sigma^2] + Var[mu], of which the first level's are exact."""
        count, latent = self.points.shape
        noise = self.points.view(count, *(1 for _ in self.batch_shape), latent)
        steps = self._draw(noise.expand(count, *self.batch_shape, latent))
        mu, logvar = (
            torch.cat([step.own[i].expand(step.z.shape) for step in steps], dim=-1) for i in (0, 1)
        )
        return mu.mean(0), logvar.exp().mean(0) + mu.var(0, correction=0)

    def _steps(self, value: Tensor) -> list[Step]:
        if self._drawn is not None and value is self._drawn[0]:
            return self._drawn[1]
        parts = value.split(sizes_of(self.network.levels), dim=-1)
        return self._walk(lambda level, _: parts[level])

    def _draw(self, noise: Tensor) -> list[Step]:
        parts = noise.split(sizes_of(self.network.levels), dim=-1)

        def drawn(level: int, own: Gaussian) -> Tensor:
            return own.mu + torch.exp(0.5 * own.logvar) * parts[level]

        return self._walk(drawn)

    def _walk(self, choose: Callable[[int, Gaussian], Tensor]) -> list[Step]:
        """Walk down the levels, with the latents that are chosen at each."""
        state, steps = self.network.top(), list[Step]()
        for level in range(len(self.network.levels)):
            if steps:
                state = self.network.advance(level - 1, state, steps[-1].z)
            prior = self.network.conditional(level, state)
            own = self.merge(level, state, prior) if self.merge else prior
            steps.append(Step(choose(level, own), own, prior))
        return steps


# KL(N(m, e^v) || N(n, e^w)) = KL(N((m - n) e^(-w/2), e^(v - w)) || N(0, 1))
def _kl(step: Step) -> Tensor:
    (mu, logvar), prior = step.own, step.prior
    distance = (mu - prior.mu) * torch.exp(-0.5 * prior.logvar)
    return gaussian_kl(distance, (logvar - prior.logvar).expand(distance.shape))


def bounded(logvar: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Return a logarithm of a variance softly bounded: itself near 0, never beyond +-10.

    Source: Vahdat & Kautz 2020, NVAE, whose code bounds log sigma to +-5 so.

    Example:
        >>> bounded(torch.tensor([0.0, 1.0, 1000.0]))
        tensor([ 0.0000,  0.9967, 10.0000])

    """
    return LARGEST * torch.tanh(logvar / LARGEST)


def sizes_of(levels: tuple[Level, ...]) -> tuple[int, ...]:
    """Return how many latents each level has.

    Example:
        >>> sizes_of((4, 16)), sizes_of(((1, 2, 2), (1, 4, 4)))
        ((4, 16), (4, 16))

    """
    return tuple(level if isinstance(level, int) else math.prod(level) for level in levels)


def require_sum(levels: tuple[Level, ...], latent: int) -> None:
    """Refuse levels that are not as many latents as there are.

    Raises:
        ValueError: they are not.

    Example:
        >>> require_sum((4, 16), latent=20)

    """
    total = sum(sizes_of(levels))
    if total != latent:
        raise BadValue(
            "levels",
            expected=f"sizes that sum to {latent}, the number of latents",
            got=f"{levels}, {total} in all",
            fix=f"Set latent={total}, or levels of {latent} latents.",
        )


def require_top_down(posterior: object, levels: tuple[Level, ...], prior: object) -> TopDownNetwork:
    """Return a prior as the network of these levels, for a posterior that walks down with it.

    Raises:
        ValueError: the prior has no levels, or others.

    """
    if not isinstance(prior, TopDownNetwork) or prior.levels != levels:
        name = "top_down" if isinstance(levels[0], int) else "top_down_maps"
        found = f", of levels {prior.levels}" if isinstance(prior, TopDownNetwork) else ""
        raise BadValue(
            f"prior of {type(posterior).__name__}",
            expected=f"one of the same levels, {levels}",
            got=f"{type(prior).__name__}{found}",
            fix=f"Use the prior '{name}' with levels={levels}.",
        )
    return prior
