"""Riemannian normal prior at the origin of the Poincare ball."""

from __future__ import annotations

from torch.distributions import Distribution

from nelbo.distributions.ball import RiemannianNormal
from nelbo.priors.ball import OnBall
from nelbo.priors.base import Prior
from nelbo.registry import register


# p(z) = exp(-d(0, z)^2 / (2 sigma^2)) / Z, against the volume of the ball
@register("prior", "riemannian_normal")
class RiemannianNormalPrior(OnBall, Prior):
    """The Gaussian of the ball itself at its origin: its density falls with the distance alone.

    There is more room at a distance than in flat space: in K dimensions most draws lie at about
    (K - 1) sqrt(c) sigma^2.

    Source: Mathieu et al. 2019, equation 4; Said, Bombrun & Berthoumieu 2014.

    Args:
        scale: sigma, positive.
        curvature: c, positive: that of the ball is -c.

    Raises:
        ValueError: `scale` or `curvature` is not positive.

    Example:
        >>> prior = RiemannianNormalPrior(scale=0.5)
        >>> prior.setup(latent=3)
        >>> prior().mean
        tensor([0., 0., 0.])

    """

    def forward(self) -> Distribution:
        """Return p(z)."""
        return RiemannianNormal(self.zero, self.scale, self.curvature)
