"""Points at which moments without a closed form are estimated: the same ones each time."""

from __future__ import annotations

from abc import abstractmethod
from functools import lru_cache

import torch
from torch import Tensor
from torch.quasirandom import SobolEngine

from nelbo.distributions.base import Latents

POINTS = 512


@lru_cache(maxsize=16)
def fixed_uniforms(size: int) -> Tensor:
    """Return Sobol's points of the unit cube and their reflections, [512, size], in float64.

    Example:
        >>> fixed_uniforms(3).mean(0)
        tensor([0.5000, 0.5000, 0.5000], dtype=torch.float64)

    """
    half = SobolEngine(size, scramble=True, seed=0).draw(POINTS // 2, dtype=torch.float64)
    half = half.clamp(1e-9, 1.0 - 1e-9)
    return torch.cat([half, 1.0 - half])


class OverFixedNoise(Latents):
    """A distribution whose moments have no closed form: they are taken over fixed draws."""

    moments_are_estimated = True

    @abstractmethod
    def from_uniform(self, u: Tensor) -> Tensor:
        """Return draws, made of uniform noise [..., *batch_shape (or 1s), latents]."""

    @property
    def mean(self) -> Tensor:
        """Return the mean over fixed draws."""
        return self._fixed().mean(0)

    @property
    def variance(self) -> Tensor:
        """Return the variance over fixed draws."""
        return self._fixed().var(0)

    def _fixed(self) -> Tensor:
        u = fixed_uniforms(self.event_shape.numel())
        return self.from_uniform(u[(slice(None), *[None] * len(self.batch_shape))])
