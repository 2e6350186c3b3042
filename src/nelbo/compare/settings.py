"""How the models of a comparison are trained."""

from __future__ import annotations

from dataclasses import dataclass

from nelbo.networks import MLP, Network


@dataclass(frozen=True)
class Settings:
    """The same network and training for every loss; by default the question's.

    Attributes:
        latent: number of latents.
        network: maker of encoder and decoder.
        epochs: passes over the training data.
        batch: examples a step.
        lr: Adam's step size.
        seed: of weights, order and noise.
    """

    latent: int = 20
    network: Network = MLP(hidden=(200, 200))
    epochs: int = 6
    batch: int = 100
    lr: float = 1e-3
    seed: int = 0
