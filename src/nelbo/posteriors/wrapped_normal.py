"""Wrapped normal posterior, on the Poincare ball."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Distribution

from nelbo.distributions.ball import WrappedNormal, from_origin, poincare, require_curvature
from nelbo.posteriors.base import Posterior
from nelbo.registry import register


# z = exp_mu(v / lambda_mu),  v ~ N(0, diag exp(logvar)),  mu = exp_0(m / 2)
@register("posterior", "wrapped_normal")
class WrappedNormalPosterior(Posterior):
    """A Gaussian wrapped onto the Poincare ball, for latents that branch like a tree.

    The encoder's output is (m, logvar): mu lies at the distance |m| from the origin, in the
    direction of m, and the variances are those of the distance from mu. `mean` is the Euclidean
    mean, estimated with fixed noise; it lies in the ball, nearer to the origin than mu, which is
    `location`. The priors are 'wrapped_standard' and 'riemannian_normal', of the same curvature.

    Single precision holds distances up to 8.7 / sqrt(c) from the origin; draws beyond are taken
    there, and an encoder that puts many of them there understates its KL.

    Source: Mathieu, Le Lan, Maddison, Tomioka & Teh 2019, Continuous hierarchical representations
    with Poincare variational auto-encoders, section 3.2.

    Args:
        curvature: c, positive: the ball has curvature -c and the radius 1/sqrt(c).

    Raises:
        ValueError: a curvature that is not positive.

    Example:
        >>> q = WrappedNormalPosterior()(torch.zeros(5, 2, 3))
        >>> bool((q.rsample().norm(dim=-1) < 1).all())
        True

    """

    def __init__(self, curvature: float = 1.0) -> None:
        super().__init__()
        self.curvature = require_curvature(curvature)
        self.base_measure = poincare(curvature)

    def forward(self, parameters: Float[Tensor, "batch two latent"]) -> Distribution:
        """Return q(z|x) for [batch, (m, logvar), latent]."""
        m, logvar = parameters.unbind(1)
        location = from_origin(m, self.curvature)
        return WrappedNormal(location, torch.exp(0.5 * logvar), self.curvature)

    def parameter_shape(self, latent: int) -> tuple[int, ...]:
        """Return (2, latent): a centre and a logarithm of the variance for each latent."""
        return (2, latent)
