"""Losses of a training step on many batches, and the noise that it may have drawn in them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from nelbo.doctor.audit.calling import LossRaised, Recon
from nelbo.doctor.audit.families import Candidate
from nelbo.doctor.audit.fields import Fields, standard_kl
from nelbo.doctor.audit.step_model import Model, Noise
from nelbo.errors import BadValue

Scale = Callable[[Tensor], Tensor]
RIGHT = "exp(logvar / 2)"
SCALES: dict[str, Scale] = {
    RIGHT: lambda logvar: (0.5 * logvar).exp(),
    "exp(logvar)": torch.exp,
    "logvar": lambda logvar: logvar,
    "1": torch.ones_like,
}


@dataclass(frozen=True)
class Row:
    """One loss of a batch."""

    x: Tensor
    seed: int
    loss: float


@dataclass(frozen=True)
class Draw:
    """What one seed makes of a row.

    Attributes:
        recons: the reconstructions, one for each sample of z.
        mu: [batch, latent].
        logvar: [batch, latent].
        sampled_kl: the KL of the whole batch, estimated at the samples, in nats.
    """

    recons: list[Recon]
    mu: Tensor
    logvar: Tensor
    sampled_kl: float

    @property
    def kl(self) -> float:
        """The KL of the whole batch, in nats."""
        return float(standard_kl(self.mu, self.logvar).sum())


def batches_of(x: Tensor) -> list[Tensor]:
    """Return batches in the range of the data that differ in what they cost."""
    fields = Fields(x, seed=5)
    turned = fields.low + fields.span * (1 - fields.unit)
    middle = x.mean(0, keepdim=True).expand_as(x)
    return [
        x,
        x.flip(tuple(range(1, x.dim()))),
        turned,
        fields.low + 0.5 * (x - fields.low),
        middle.contiguous(),
        fields.constant(fields.low),
        fields.constant(fields.low + fields.span),
        fields.low + fields.span * fields.uniform(),
        fields.low + fields.span * fields.uniform().round(),
        x[:1].expand_as(x).contiguous(),
        turned[-1:].expand_as(x).contiguous(),
        torch.where(fields.uniform() < 0.5, x, turned),
    ]


def rows_of(model: Model, batches: Sequence[Tensor], seeds: int) -> list[Row]:
    """Return the finite losses of a step on batches, each with several seeds.

    Raises:
        ValueError: hardly any is finite.
    """
    rows = []
    for x in batches:
        for seed in range(seeds):
            try:
                loss = model.loss(x, seed)
            except LossRaised:
                continue
            if math.isfinite(loss):
                rows.append(Row(x, seed, loss))
    if len(rows) < 6:
        fix = "Look for NaN in its weights, or for a range of data that it refuses."
        raise BadValue("step", expected="finite losses", got=f"{len(rows)} of them", fix=fix)
    return rows


def drawn(model: Model, row: Row, noise: Noise, scale: str) -> Draw:
    """Return what the step's network makes of a row with the noise that the step may have drawn."""
    spread = SCALES[scale]
    mu, logvar, epsilon, recons = model.sampled(row.x, row.seed, noise, spread)
    z = mu + spread(logvar) * epsilon
    sampled = 0.5 * (z**2 - epsilon**2 - logvar).sum() / len(epsilon)
    return Draw(recons, mu, logvar, float(sampled))


def units(candidate: Candidate, rows: Sequence[Row], draws: Sequence[Draw]) -> np.ndarray:
    """Return a formula's unit, summed over each row's batch, its mean over the samples."""
    pairs = zip(rows, draws, strict=True)
    return np.array([
        np.mean([float(candidate.total(row.x, recon)) for recon in draw.recons])
        for row, draw in pairs
    ])  # fmt: skip
