"""Who is held against whom in gains.py: each differs from the plain VAE in what stands here."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import nelbo
from nelbo.objectives import ELBO, IWAE, Objective
from nelbo.posteriors import IAF, FullCovariance, Ladder, ResidualMaps, ResidualTopDown
from nelbo.priors import MAF, Mixture, TopDown, TopDownMaps, Vamp

PLAIN = "plain"
HIDDEN, LATENT, LEVELS = (300, 300), 40, (10, 30)
MAPS, CHANNELS = ((8, 4, 4), (4, 7, 7)), (16, 32)


@dataclass(frozen=True)
class Contestant:
    """What differs from the plain VAE."""

    parts: Callable[[], dict[str, Any]] = dict
    objective: Objective | None = None  # the ELBO, with warm-up
    starts: bool = False  # the prior at training examples
    warm_up: int = 8  # epochs in which beta rises from 0 to 1
    latent: int = LATENT
    network: nelbo.networks.Network = nelbo.networks.Gated(hidden=HIDDEN)


CONTESTANTS = {
    PLAIN: Contestant(),
    "prior vamp:components=500": Contestant(lambda: {"prior": Vamp(500)}, starts=True),
    "posterior iaf": Contestant(lambda: {"posterior": IAF()}),
    "prior maf": Contestant(lambda: {"prior": MAF()}),
    "objective elbo": Contestant(objective=ELBO()),
    "objective iwae:samples=5": Contestant(objective=IWAE(5)),
    "prior mixture:components=100": Contestant(lambda: {"prior": Mixture(100)}),
    "posterior full_covariance": Contestant(lambda: {"posterior": FullCovariance()}),
    "prior top_down, posterior residual_top_down": Contestant(
        lambda: {"prior": TopDown(LEVELS), "posterior": ResidualTopDown(LEVELS)}
    ),
    "prior top_down, posterior ladder": Contestant(
        lambda: {"prior": TopDown(LEVELS), "posterior": Ladder(LEVELS)}
    ),
}
OF_MAPS = {
    "warm_up": 2,
    "latent": sum(math.prod(level) for level in MAPS),
    "network": nelbo.networks.ConvMaps(levels=MAPS, channels=CHANNELS),
}
# the first of a set is what the others are held against
SETS = {
    "gains": CONTESTANTS,
    "gains-maps": {
        PLAIN: Contestant(**OF_MAPS),
        "prior top_down_maps, posterior residual_maps": Contestant(
            lambda: {"prior": TopDownMaps(MAPS), "posterior": ResidualMaps(MAPS, features=2)},
            **OF_MAPS,
        ),
    },
}
