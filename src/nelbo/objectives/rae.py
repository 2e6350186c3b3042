"""Regularised autoencoders: a decoder that is smooth in place of a posterior that is noisy."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from nelbo.errors import BadValue
from nelbo.objectives.aggregate import check_weights
from nelbo.objectives.base import Objective
from nelbo.registry import register
from nelbo.terms import Terms


# log p(x|z) - b |z|^2 / 2 - l R                                              Ghosh et al. 2020, (6)
@dataclass(frozen=True)
class RAE(Objective):
    """What both share: short latents and a regularised decoder, each with its weight."""

    latents: float = 1e-2
    decoder: float = 1e-2

    def __post_init__(self) -> None:
        check_weights(latents=self.latents, decoder=self.decoder)

    @abstractmethod
    def regulariser(self, terms: Terms) -> Tensor:
        """Return R, of the decoder: a scalar, or [batch]."""

    def __call__(self, terms: Terms) -> Float[Tensor, " batch"]:
        """Return the objective of each example, [batch]."""
        lengths = 0.5 * (terms.z**2).sum(-1)
        rough = self.decoder * self.regulariser(terms)
        return (terms.log_px - self.latents * lengths).mean(0) - rough

    @property
    def belief(self) -> str:
        """What is maximised."""
        return (
            f"log p(x|z) - {self.latents:g} |z|^2/2 - {self.decoder:g} {self.named}: a regularised "
            "autoencoder, no bound; fit a prior before sampling"
        )

    @property
    @abstractmethod
    def named(self) -> str:
        """R in a word."""


@register("objective", "rae_l2")
@dataclass(frozen=True)
class RAEL2(RAE):
    """A regularised autoencoder whose decoder has small weights.

    It is at home with a deterministic posterior, and samples once a prior is fitted.

    Source: Ghosh, Sajjadi, Vergari, Black & Schoelkopf 2020, From variational to deterministic
    autoencoders, equation 6 and section 3.1.

    Args:
        latents: weight of |z|^2 / 2.
        decoder: weight of the sum of the decoder's squared parameters.

    Example:
        >>> RAEL2().named
        '|decoder|^2'

    """

    def regulariser(self, terms: Terms) -> Tensor:
        """Return the sum of the squares of all that the decoder learns."""
        decoder = getattr(terms.model, "decoder", None)
        if not isinstance(decoder, torch.nn.Module):
            raise BadValue(
                "decoder",
                expected="a model whose `decoder` is a module",
                got=type(terms.model).__name__,
                fix="Use 'rae_gp', which needs none.",
            )
        return sum(((p**2).sum() for p in decoder.parameters()), start=terms.z.new_zeros(()))

    @property
    def named(self) -> str:
        """R in a word."""
        return "|decoder|^2"


# |J|_F^2 = E_v |J^T v|^2, v ~ N(0, I)                                               Hutchinson 1990
@register("objective", "rae_gp")
@dataclass(frozen=True)
class RAEGP(RAE):
    """A regularised autoencoder whose decoder has a small gradient.

    The squared norm of its Jacobian is estimated with one random direction a batch.

    Source: Ghosh, Sajjadi, Vergari, Black & Schoelkopf 2020, equation 6 and section 3.2.

    Args:
        latents: weight of |z|^2 / 2.
        decoder: weight of the squared norm of the mean's Jacobian in z.

    Example:
        >>> RAEGP().named
        '|d mean/dz|^2'

    """

    def regulariser(self, terms: Terms) -> Tensor:
        """Return |d E[x|z] / dz|^2 of each example; 0 where no gradients are taken."""
        mean, z = terms.px.mean, terms.z
        if not (torch.is_grad_enabled() and mean.requires_grad and z.requires_grad):
            return z.new_zeros(())
        direction = torch.randn_like(mean[0, 0]).expand_as(mean)
        (slope,) = torch.autograd.grad(mean, z, direction, create_graph=True)
        return (slope**2).sum(-1).mean(0)

    @property
    def named(self) -> str:
        """R in a word."""
        return "|d mean/dz|^2"
