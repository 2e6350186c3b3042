"""A Riemannian metric on the latents: flat far from centroids, and near each one its own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor


# G(z)^-1 = sum_i L_i L_i^T w_i(z) + lambda I,   w_i(z) = exp(-|z - c_i|^2 / T^2)
@dataclass(frozen=True)
class Metric:
    """The inverse of a metric, as a sum over centroids.

    Source: Chadebec, Mantoux & Allassonniere 2020, Geometry-aware Hamiltonian variational
    auto-encoder, equation 7.

    Args:
        centroids: c_i, [centroids, latent].
        factors: L_i, lower triangular, [centroids, latent, latent]; all 0 for no centroid.
        temperature: T, the reach of a centroid, in units of the latents.
        regularisation: lambda, positive: the inverse far from all centroids.

    Example:
        >>> metric = Metric(torch.zeros(1, 2), torch.eye(2)[None], 1.0, 0.5)
        >>> metric.at(torch.zeros(1, 1, 2)).inverse[0, 0]
        tensor([[1.5000, 0.0000],
                [0.0000, 1.5000]])

    """

    centroids: Float[Tensor, "centroids latent"]
    factors: Float[Tensor, "centroids latent latent"]
    temperature: float
    regularisation: float

    def at(self, z: Float[Tensor, "samples batch latent"]) -> Place:
        """Return the metric at latents."""
        return Place(self, z)

    @cached_property
    def squares(self) -> Float[Tensor, "centroids latent_squared"]:
        """L_i L_i^T, as rows."""
        return (self.factors @ self.factors.mT).flatten(1)


class Place:
    """A metric at latents z: computed once, asked for many momenta.

    Args:
        metric: it.
        z: [samples, batch, latent].
    """

    def __init__(self, metric: Metric, z: Float[Tensor, "samples batch latent"]) -> None:
        self.metric, self.z = metric, z
        centroids = metric.centroids
        cross = z @ centroids.mT
        far = z.square().sum(-1, keepdim=True) - 2.0 * cross + centroids.square().sum(-1)
        self.weights = torch.exp(-far / metric.temperature**2)  # [samples, batch, centroids]

    @cached_property
    def inverse(self) -> Float[Tensor, "samples batch latent latent"]:
        """G^-1."""
        latent = self.z.shape[-1]
        unit = torch.eye(latent, dtype=self.z.dtype, device=self.z.device)
        near = (self.weights @ self.metric.squares).unflatten(-1, (latent, latent))
        return near + self.metric.regularisation * unit

    @cached_property
    def log_det_inverse(self) -> Float[Tensor, "samples batch"]:
        """Log |G^-1|, which is -log |G|."""
        return 2.0 * self._factor.diagonal(dim1=-2, dim2=-1).log().sum(-1)

    # G^-1 = C C^T: C^-T noise has the covariance C^-T C^-1 = G
    def momentum(
        self, noise: Float[Tensor, "samples batch latent"]
    ) -> Float[Tensor, "samples batch latent"]:
        """Return a momentum of N(0, G), of standard Gaussian noise."""
        solved = torch.linalg.solve_triangular(self._factor.mT, noise[..., None], upper=True)
        return solved[..., 0]

    def velocity(
        self, momentum: Float[Tensor, "samples batch latent"]
    ) -> Float[Tensor, "samples batch latent"]:
        """Return G^-1 rho."""
        return (self.inverse @ momentum[..., None])[..., 0]

    # -d/dz [1/2 log|G| + 1/2 rho' G^-1 rho] = sum_i <G - rho rho', L_i L_i^T> w_i (c_i - z) / T^2
    def force(
        self, momentum: Float[Tensor, "samples batch latent"]
    ) -> Float[Tensor, "samples batch latent"]:
        """Return minus the gradient of -log N(rho; 0, G(z)) with respect to z."""
        return self._pull(self._metric - momentum[..., None] * momentum[..., None, :])

    @property
    def volume_slope(self) -> Float[Tensor, "samples batch latent"]:
        """Gradient of log sqrt|G^-1| with respect to z."""
        return self._pull(self._metric)

    def _pull(self, matrix: Tensor) -> Tensor:
        parts = (matrix.flatten(-2) @ self.metric.squares.mT) * self.weights
        pull = parts @ self.metric.centroids - parts.sum(-1, keepdim=True) * self.z
        return pull / self.metric.temperature**2

    @cached_property
    def _factor(self) -> Tensor:
        return torch.linalg.cholesky(self.inverse)

    @cached_property
    def _metric(self) -> Tensor:
        return torch.cholesky_inverse(self._factor)
