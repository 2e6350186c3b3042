"""`Latents`: what a trained model makes of its data, drawn again and again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from nelbo.data import Source
from nelbo.errors import BadValue
from nelbo.evaluate.base import evaluation_mode
from nelbo.model import VAE
from nelbo.rng import generator, seeded

ROWS = 1000  # examples encoded at a time


@dataclass(frozen=True)
class Drawn:
    """Latents of all examples, and the covariates that their prior may depend on.

    Attributes:
        z: one draw of q(z|x) for each example, [n, latent].
        y: covariates, [n, covariates]; None where the model has none.
    """

    z: Float[Tensor, "n latent"]
    y: Float[Tensor, "n covariates"] | None

    def __len__(self) -> int:
        return len(self.z)

    def take(self, index: Tensor | slice) -> Drawn:
        """Return some of them."""
        return Drawn(self.z[index], None if self.y is None else self.y[index])

    def log_pz(self, model: VAE) -> Float[Tensor, " n"]:
        """Return log p(z) of each, in nats, with the gradient of the prior."""
        return model.marginal(self.y).log_prob(self.z)


@dataclass(frozen=True)
class Latents:
    """Latents of data, the examples in the same random order at each draw.

    Args:
        model: in evaluation mode.
        source: of known size.
        seed: of the order.
    """

    model: VAE
    source: Source
    seed: int

    @torch.no_grad()
    def draw(self) -> Drawn:
        """Return a new draw for each example."""
        z, ys = list[Tensor](), list[Tensor]()
        for x in self._data():
            y = self.model.inputs.split(x)[1]
            z.append(self.model.encode(x).sample())
            ys += [] if y is None else [y]
        return Drawn(torch.cat(z), torch.cat(ys) if ys else None)

    def examples(self) -> Float[Tensor, " n *event"]:
        """Return the first examples, without covariates."""
        return self.model.inputs.split(next(self._data()))[0]

    @torch.no_grad()
    def check_same(self, before: VAE) -> None:
        """Refuse a posterior that another prior has changed: one that is made of the prior."""
        x = next(self._data())
        with seeded(self.seed):
            here = self.model.encode(x).sample()
        with seeded(self.seed), evaluation_mode(before):
            there = before.encode(x).sample()
        if not torch.equal(here, there):
            raise BadValue(
                f"posterior {type(before.posterior).__name__}",
                expected="one that stays the same whatever the prior",
                got="one that begins at the prior",
                fix="Train both together: nelbo.VAE(..., prior=...) and nelbo.fit.",
            )

    def _data(self) -> Iterator[Tensor]:
        like = next(self.model.parameters())
        for x in self.source.epoch(ROWS, generator(self.seed, 0)):
            self.model.check(x)
            yield x.to(like)
