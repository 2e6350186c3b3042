"""The volume of a metric as a distribution of latents: dense where examples were."""

from __future__ import annotations

from typing import NoReturn

import torch
from torch import Tensor
from torch.types import _size

from nelbo.distributions.base import Latents
from nelbo.distributions.leapfrog import leapfrog
from nelbo.distributions.metric import Metric
from nelbo.errors import BadValue

CHAIN, JUMPS = 100, 15  # proposals of each chain, leapfrog steps of each
STEP = 0.05  # in units of the temperature


# p(z) ~ sqrt |G(z)^-1|, by Hamiltonian Monte Carlo   Chadebec et al. 2020, section 5; Neal 2011, 3
class Volume(Latents):
    """Draws of density proportional to sqrt |G(z)^-1|, the inverse metric's volume element.

    Far from all centroids that is the constant lambda^(latent/2), so that on all of R^K the
    density has no normaliser: it is one on the neighbourhood of the centroids, where every draw is
    a chain of its own that began at a random centroid. There is no log p(z), and no bound: it is
    for drawing alone.

    Source: Chadebec, Mantoux & Allassonniere 2020, Geometry-aware Hamiltonian variational
    auto-encoder, section 5.

    Args:
        metric: of a trained posterior.

    Raises:
        ValueError: the metric has no centroids.

    Example:
        >>> metric = Metric(torch.zeros(1, 2), torch.eye(2)[None], 1.0, 1e-4)
        >>> Volume(metric).sample(torch.Size((3,))).shape
        torch.Size([3, 2])

    """

    def __init__(self, metric: Metric) -> None:
        latent = metric.centroids.shape[1]
        super().__init__(event_shape=torch.Size((latent,)), validate_args=False)
        self.metric = metric
        self._seen = metric.factors.flatten(1).any(dim=1).nonzero()[:, 0]
        if not len(self._seen):
            raise BadValue(
                "metric",
                expected="centroids, which are examples of the training",
                got="none",
                fix="Train the model first.",
            )

    def rsample(self, sample_shape: _size = torch.Size()) -> NoReturn:  # noqa: B008
        """Refuse: a chain that accepts or rejects has no gradient."""
        raise BadValue(
            "draws of the metric's volume",
            expected="no gradient",
            got="rsample",
            fix="Call sample.",
        )

    @torch.no_grad()
    def sample(self, sample_shape: _size = torch.Size()) -> Tensor:  # noqa: B008
        """Return draws, [*sample_shape, latent], each from a chain of its own."""
        shape = torch.Size(sample_shape)
        chosen = torch.randint(len(self._seen), (1, shape.numel()), device=self._seen.device)
        z = self.metric.centroids[self._seen[chosen]]
        for _ in range(CHAIN):
            z = self._moved(z)
        return z[0].view(*shape, -1)

    def log_prob(self, value: Tensor) -> NoReturn:
        """Refuse: it has no normaliser."""
        raise BadValue(
            "log p(z)",
            expected="a normalised density",
            got="the volume of a metric, which is for drawing alone",
            fix="Ask the model's own prior: model.marginal().",
        )

    def _moved(self, z: Tensor) -> Tensor:
        """Return a proposal where it is accepted, and z where not."""
        momentum = torch.randn_like(z)
        step = STEP * self.metric.temperature
        proposal, after = leapfrog(self._slope, z, momentum, step, [1.0] * JUMPS)
        log_ratio = self._log_density(proposal, after) - self._log_density(z, momentum)
        accepted = torch.rand_like(log_ratio).log() < log_ratio
        return torch.where(accepted[..., None], proposal, z)

    def _slope(self, z: Tensor) -> Tensor:
        return self.metric.at(z).volume_slope

    def _log_density(self, z: Tensor, momentum: Tensor) -> Tensor:
        return 0.5 * (self.metric.at(z).log_det_inverse - momentum.square().sum(-1))
