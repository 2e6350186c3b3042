"""Points at which moments without a closed form are estimated: the same ones each time."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor
from torch.quasirandom import SobolEngine

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
