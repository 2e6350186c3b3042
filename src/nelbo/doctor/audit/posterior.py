"""The loss as a function of the posterior alone."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from nelbo.doctor.audit.calling import Call, Point


@dataclass
class Latents:
    """The loss as a function of the posterior alone, averaged over seeds where it samples."""

    call: Call
    base: Point
    seeds: int = 1
    sizes: tuple[int, int] = field(init=False)

    def __post_init__(self) -> None:
        self.sizes = (len(self.base.mu), self.base.mu.shape[1])

    def __call__(self, mu: Tensor | float, logvar: Tensor | float) -> float:
        """Return the mean over the seeds of the loss; NaN where the user's code raises."""
        point = self.point(mu, logvar)
        return float(np.mean([self.call.tried(point, seed) for seed in range(self.seeds)]))

    def point(self, mu: Tensor | float, logvar: Tensor | float) -> Point:
        """Return the base point at another posterior; numbers stand for constants."""
        parts = (torch.zeros(self.sizes, dtype=torch.float64) + part for part in (mu, logvar))
        return self.base._replace(**dict(zip(("mu", "logvar"), parts, strict=True)))

    def spread(self, mu: float) -> float:
        """Return the standard deviation over seeds at constant mu and variance 1."""
        point = self.point(mu, 0.0)
        return float(np.std([self.call.tried(point, seed) for seed in range(6)]))
