"""What the priors on the Poincare ball share."""

from __future__ import annotations

import torch
from torch import Tensor

from nelbo.distributions.ball import poincare, require_curvature
from nelbo.errors import BadValue
from nelbo.priors.base import Prior


class OnBall(Prior):
    """A prior at the origin of the Poincare ball.

    Args:
        scale: sigma, of the distance from the origin, positive.
        curvature: c, positive: the ball has curvature -c and the radius 1/sqrt(c).

    Raises:
        ValueError: a scale or a curvature that is not positive.

    """

    zero: Tensor

    def __init__(self, scale: float = 1.0, curvature: float = 1.0) -> None:
        super().__init__()
        if not 0 < scale < float("inf"):
            raise BadValue("scale", expected="a positive number", got=scale, fix="Try 1.")
        self.scale, self.curvature = scale, require_curvature(curvature)
        self.base_measure = poincare(curvature)

    def setup(self, latent: int) -> None:
        """Create the origin, [latent]."""
        self.register_buffer("zero", torch.zeros(latent), persistent=False)
