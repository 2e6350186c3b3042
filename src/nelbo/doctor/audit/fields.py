"""Where a loss is probed: reconstructions and latents that tell one formula from another."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float64
from torch import Tensor

from nelbo.doctor.audit.calling import Recon
from nelbo.rng import generator

LEVELS = (0.1, 0.3, 0.5, 0.7, 0.9)


class Fields:
    """Reconstructions of data, of one kind of output.

    Args:
        x: data, [batch, *data_shape].
        seed: of the random ones.
    """

    def __init__(self, x: Float64[Tensor, " batch *event"], seed: int = 0) -> None:
        self.x = x
        self.low = float(x.min())
        self.span = float(x.max()) - self.low or 1.0
        self.unit = (x - self.low) / self.span
        self.random = generator(seed, 1)

    def of(self, output: str) -> list[Recon]:
        """Return the fields of an output: `mean`, `prob`, `logits` or `mean+logvar`."""
        return list(FIELDS[output](self))

    def noise(self) -> Tensor:
        """Return fresh standard normal noise in the shape of x."""
        return torch.randn(self.x.shape, generator=self.random, dtype=torch.float64)

    def uniform(self) -> Tensor:
        """Return fresh uniform noise in the shape of x."""
        return torch.rand(self.x.shape, generator=self.random, dtype=torch.float64)

    def constant(self, value: float) -> Tensor:
        """Return a constant in the shape of x."""
        return torch.full_like(self.x, value)


def _probabilities(f: Fields) -> list[Tensor]:
    return [
        *(f.constant(level) for level in LEVELS),
        0.05 + 0.9 * f.unit,
        0.95 - 0.9 * f.unit,
        0.4 + 0.2 * f.unit,
        *(0.02 + 0.96 * f.uniform() for _ in range(3)),
        0.5 * (0.05 + 0.9 * f.unit) + 0.45 * f.uniform(),
    ]


def _means(f: Fields) -> list[Tensor]:
    return [
        *(f.constant(f.low + level * f.span) for level in LEVELS),
        *(f.x + f.span * shift for shift in (0.07, -0.25, 0.8, -1.6)),
        *(f.x + f.span * scale * f.noise() for scale in (0.2, 0.6, 1.5)),
        f.low + f.span * (1 - f.unit),
    ]


def _logits(f: Fields) -> list[Tensor]:
    return [
        *(f.constant(level) for level in (-2.5, -1.0, 0.0, 1.0, 3.0)),
        4 * f.unit - 2,
        2 - 4 * f.unit,
        *(scale * f.noise() for scale in (0.7, 1.5, 2.5)),
        2 * f.unit - 1 + f.noise(),
    ]


def _gaussians(f: Fields) -> list[tuple[Tensor, Tensor]]:
    pairs = [(m, f.constant(s)) for m in _means(f) for s in (-1.0, 0.4)]
    noisy = [(m, 0.5 * f.noise() - 0.3) for m in _means(f)]
    # a decoder with one variance for all: the pair of a constant
    return [*pairs[::2], *pairs[1::4], *noisy]


FIELDS: dict[str, Callable[[Fields], list]] = {
    "mean": _means,
    "prob": _probabilities,
    "logits": _logits,
    "mean+logvar": _gaussians,
}


def latents(batch: int, latent: int, seed: int = 0) -> list[tuple[Tensor, Tensor]]:
    """Return pairs (mu, logvar), [batch, latent], the first of them a posterior at the prior.

    Some are alike in all examples and latents, some vary between them: what only looks like a sum
    of KLs on one sort does not on the other.
    """
    random = generator(seed, 2)

    def noise() -> Tensor:
        return torch.randn((batch, latent), generator=random, dtype=torch.float64)

    zero = torch.zeros((batch, latent), dtype=torch.float64)
    rows = torch.linspace(0.2, 2.0, batch, dtype=torch.float64)[:, None]
    columns = torch.linspace(-1.5, 1.0, latent, dtype=torch.float64)
    first = zero.clone()
    first[:, 0] = 1.0
    return [
        (zero, zero),
        (zero + 1.5, zero),
        (zero - 0.7, zero - 1.0),
        (zero, zero - 2.5),
        (zero, zero + 1.2),
        (0.8 * noise(), 0.5 * noise() - 0.2),
        (2.0 * noise(), noise()),
        (rows * noise(), zero - 0.3),
        (zero + columns, zero + columns.flip(0)),
        (first * noise(), -first),
        (zero + 3.0, zero - 4.0),
        (0.5 * noise() + 1.0, 0.3 * noise() + 0.8),
    ]


def standard_kl(mu: Tensor, logvar: Tensor) -> Tensor:
    """Return KL(N(mu, e^logvar) || N(0, 1)) in nats, elementwise; Kingma & Welling 2014, app. B."""
    return 0.5 * (mu**2 + logvar.exp() - logvar - 1.0)
