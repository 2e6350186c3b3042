"""What the priors on the Poincare ball share."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from nelbo.checks import positive
from nelbo.distributions.ball import poincare, require_curvature


class OnBall(nn.Module):
    """What a prior at the origin of the Poincare ball is made of.

    Args:
        scale: sigma, of the distance from the origin, positive.
        curvature: c, positive: the ball has curvature -c and the radius 1/sqrt(c).

    Raises:
        ValueError: a scale or a curvature that is not positive.

    """

    zero: Tensor

    def __init__(self, scale: float = 1.0, curvature: float = 1.0) -> None:
        super().__init__()
        self.scale = positive("scale", scale, fix="Try 1.")
        self.curvature = require_curvature(curvature)
        self.base_measure = poincare(curvature)

    def setup(self, latent: int) -> None:
        """Create the origin, [latent]."""
        self.register_buffer("zero", torch.zeros(latent), persistent=False)
