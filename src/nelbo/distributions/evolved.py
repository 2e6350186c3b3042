"""Draws that have been moved together with a momentum: what Hamiltonian posteriors return."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Distribution
from torch.types import _size

from nelbo.distributions.base import Latents
from nelbo.errors import BadValue


class Moved(NamedTuple):
    """Where a trajectory ends.

    Attributes:
        z: its latents, [samples, batch, latent].
        log_ratio: log q(rho_0|z_0) - log p(rho_K|z_K) - log |det of the map|, [samples, batch].
    """

    z: Tensor
    log_ratio: Tensor


# of latents and of standard Gaussian noise, each [samples, batch, latent], a trajectory's end
Trajectory = Callable[[Tensor, Tensor], Moved]


# z_0 ~ q_0,  rho_0 ~ q(rho|z_0),  (z, rho) = f(z_0, rho_0):
# log q(z) := log q_0(z_0) + log q(rho_0|z_0) - log |det f'| - log p(rho|z)
# E[p(x, z) / q(z)] = int p(x, z) p(rho|z) dz drho = p(x)          Caterini et al. 2018, equation 4
class Evolved(Latents):
    """Draws of a distribution and of a momentum, moved together by a map that preserves volumes.

    z alone has no density that could be computed. What stands for log q(z) is that of latents and
    momentum together, less log p(rho|z), which the model is given besides: so log p(x, z) - log q
    is the logarithm of an unbiased estimate of p(x), and every bound made of it is one. It is
    known for the latest draw, the very tensor, and `knows_only_its_draws` says so.

    Mean and variance have no closed form: the mean is where the mean of q_0 goes without momentum,
    the variance an average over a fixed set of points; where log p(x, z) is quadratic in z the mean
    is exact. `moments_are_estimated` says so.

    Source: Caterini, Doucet & Sejdinovic 2018, Hamiltonian variational auto-encoder, section 3.

    Args:
        start: q_0, of batch shape [batch].
        trajectory: of z_0 and of standard Gaussian noise.
        points: of `standard_points`, for the variance, [points, 2 latent].
    """

    moments_are_estimated = True
    knows_only_its_draws = True

    def __init__(
        self, start: Distribution, trajectory: Trajectory, points: Float[Tensor, "points both"]
    ) -> None:
        super().__init__(start.batch_shape, start.event_shape, validate_args=False)
        self.start, self.trajectory, self.points = start, trajectory, points
        self._drawn: tuple[Tensor, Tensor] | None = None

    def rsample(self, sample_shape: _size = torch.Size()) -> Tensor:  # noqa: B008
        """Return fresh draws, [*sample_shape, batch, latent]."""
        start = self.start.rsample(torch.Size(sample_shape))
        rows = start.reshape(-1, *start.shape[-2:])
        z, log_ratio = self.trajectory(rows, torch.randn_like(rows))
        z = z.view(start.shape)
        self._drawn = z, self.start.log_prob(start) + log_ratio.view(start.shape[:-1])
        return z

    def log_prob(self, value: Tensor) -> Tensor:
        """Return log q of the latest draw, in nats per example.

        Raises:
            ValueError: other latents, or a copy of them: their momentum is not known.

        """
        if self._drawn is None or value is not self._drawn[0]:
            raise BadValue(
                "log q(z|x)",
                expected="the latents that this posterior drew last",
                got="others, or a copy: the momentum they were drawn with is not known",
                fix="Use an objective made of draws and their weights, such as 'elbo' or 'iwae', "
                "or the posterior 'diagonal'.",
            )
        return self._drawn[1]

    @property
    def mean(self) -> Tensor:
        """Where the mean of q_0 goes without momentum."""
        mean = self.start.mean[None]
        return self.trajectory(mean, torch.zeros_like(mean)).z[0]

    @property
    def variance(self) -> Tensor:
        """The variance, estimated."""
        return self._images.var(0, correction=0)

    @cached_property
    def _images(self) -> Tensor:
        z, noise = self.points[:, None].chunk(2, dim=-1)
        start = self.start.mean + self.start.stddev * z
        return self.trajectory(start, noise.expand(start.shape)).z
