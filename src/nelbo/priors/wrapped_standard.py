"""Wrapped normal prior at the origin of the Poincare ball."""

from __future__ import annotations

import torch
from torch.distributions import Distribution

from nelbo.distributions.ball import WrappedNormal
from nelbo.priors.ball import OnBall
from nelbo.priors.base import Prior
from nelbo.registry import register


# z = exp_0(v / 2),  v ~ N(0, sigma^2 I)
@register("prior", "wrapped_standard")
class WrappedStandard(OnBall, Prior):
    """A Gaussian at the origin of the Poincare ball, wrapped onto it.

    Source: Nagano, Yamaguchi, Fujita & Koyama 2019, A wrapped normal distribution on hyperbolic
    space for gradient-based learning, section 3; Mathieu et al. 2019, section 3.1.

    Args:
        scale: sigma, of the distance from the origin, positive.
        curvature: c, positive: the ball has curvature -c and the radius 1/sqrt(c).

    Raises:
        ValueError: a scale or a curvature that is not positive.

    Example:
        >>> prior = WrappedStandard(scale=0.5)
        >>> prior.setup(latent=3)
        >>> prior().event_shape
        torch.Size([3])

    """

    def forward(self) -> Distribution:
        """Return p(z)."""
        scale = torch.full_like(self.zero, self.scale)
        return WrappedNormal(self.zero, scale, self.curvature)
