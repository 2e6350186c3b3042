"""Riemannian Hamiltonian posterior."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Distribution

from nelbo.checks import alone, count
from nelbo.context import Context
from nelbo.distributions.evolved import Evolved, Moved
from nelbo.distributions.flow import standard_points
from nelbo.distributions.leapfrog import generalised_leapfrog
from nelbo.distributions.metric import Metric
from nelbo.distributions.volume import Volume
from nelbo.errors import BadValue
from nelbo.posteriors.base import Posterior
from nelbo.posteriors.diagonal import Diagonal
from nelbo.posteriors.dynamics import (
    StepSize,
    Tempering,
    checked_step_size,
    joint_slope,
    needs_a_model,
)
from nelbo.registry import register

ITERATIONS = 6  # of the implicit equations, each of which gains a factor of the step size


# z_0 ~ N(mu(x), diag sigma(x)^2),   rho_0 ~ N(0, G(z_0) / beta_0),   K tempered leapfrog steps on
# H(z, rho) = -log p(x, z) - log N(rho; 0, G(z)),   G(z)^-1 = sum_i L_i L_i^T w_i(z) + lambda I
#                                                           Chadebec et al. 2020, sections 3 and 4
@register("posterior", "riemannian")
class Riemannian(Posterior):
    """A Hamiltonian posterior under a learned metric on the latents (RHVAE).

    The encoder's output is (mu, log sigma^2, L): beside a Gaussian, a lower triangular matrix for
    each example. The metric has the latest `centroids` training examples: at c_i = mu(x_i) its
    inverse is L_i L_i^T. A training batch enters it before it is used, and has a gradient; older
    ones are kept as numbers, and in evaluation all are. Step size and tempering are learned. log q
    is that of latents and momentum together: see `Evolved`, also for what its mean is; as the
    steps' equations are solved by iteration, it is exact as far as these have converged.

    With `volume` new latents can be drawn where the metric says that examples are.

    Source: Chadebec, Mantoux & Allassonniere 2020, Geometry-aware Hamiltonian variational
    auto-encoder.

    Args:
        steps: K, at least 1.
        step_size: at the start, positive.
        beta_zero: at the start, in (0, 1]: the first momentum has the covariance G / beta_0; 1,
            which is not learned, for no tempering.
        centroids: examples that make the metric, at least 1.
        temperature: T, the reach of a centroid, positive, in units of the latents.
        regularisation: lambda, positive: the metric's inverse far from all centroids.

    Raises:
        ValueError: a value out of its range.

    Example:
        >>> import torch, nelbo
        >>> model = nelbo.VAE(data_shape=(4,), latent=2, posterior=Riemannian(steps=2))
        >>> model.terms(torch.rand(3, 4), samples=5).log_w.shape
        torch.Size([5, 3])

    """

    points: Tensor
    centres: Tensor
    factors: Tensor

    def __init__(
        self,
        steps: int = 3,
        step_size: float = 0.01,
        beta_zero: float = 0.3,
        centroids: int = 200,
        temperature: float = 1.5,
        regularisation: float = 0.01,
    ) -> None:
        super().__init__()
        self.steps = count("steps", steps, least=1, usual=3)
        self.step_size = checked_step_size(step_size)
        self.centroids = count("centroids", centroids, least=1, usual=200)
        self.temperature, self.regularisation = temperature, regularisation
        for name, value in (("temperature", temperature), ("regularisation", regularisation)):
            if not 0 < value < float("inf"):
                fix = "Leave it out for the usual one."
                raise BadValue(name, expected="a positive number", got=value, fix=fix)
        self.beta_zero, self.start = beta_zero, Diagonal()
        self.tempering = Tempering(steps, beta_zero)

    def setup(self, latent: int) -> None:
        """Create the step size, and places for the centroids: there are none yet."""
        self.size = StepSize((), self.step_size)
        self.register_buffer("points", standard_points(2 * latent), persistent=False)
        self.register_buffer("centres", torch.zeros(self.centroids, latent))
        self.register_buffer("factors", torch.zeros(self.centroids, latent, latent))

    def parameter_shape(self, latent: int) -> tuple[int, ...]:
        """Return (2 latent + latent (latent + 1) / 2,)."""
        return (2 * latent + latent * (latent + 1) // 2,)

    def forward(self, parameters: Float[Tensor, "batch parameters"]) -> Distribution:
        """Refuse: it follows the gradient of a model.

        Raises:
            ValueError: always.

        """
        raise needs_a_model("riemannian")

    def within(
        self, parameters: Float[Tensor, "batch parameters"], context: Context
    ) -> Distribution:
        """Return q(z|x) for mu, logvar and the rows of L."""
        latent = self.centres.shape[1]
        gaussian, rows = parameters.tensor_split((2 * latent,), dim=1)
        gaussian = gaussian.unflatten(1, (2, latent))
        if self.training:
            metric = self._learned(gaussian[:, 0], _triangle(rows, latent))
        else:
            metric = self.metric
        slope = joint_slope(context)

        # log N(rho; 0, G) = -1/2 rho' G^-1 rho + 1/2 log|G^-1| + constant; tempering's determinant
        # is the normaliser of what it undoes
        def trajectory(z: Tensor, noise: Tensor) -> Moved:
            before, (heat, cooling) = metric.at(z), self.tempering(z)
            momentum, step = heat * before.momentum(noise), self.size()
            z, momentum = generalised_leapfrog(
                slope, metric, z, momentum, step, cooling, ITERATIONS
            )
            after = metric.at(z)
            energy = (momentum * after.velocity(momentum) - noise.square()).sum(-1)
            volumes = before.log_det_inverse - after.log_det_inverse
            return Moved(z, 0.5 * (energy + volumes))

        return Evolved(self.start(gaussian), trajectory, self.points)

    @property
    def metric(self) -> Metric:
        """G, of the centroids that have been seen in training."""
        return Metric(self.centres, self.factors, self.temperature, self.regularisation)

    @property
    def volume(self) -> Volume:
        """The distribution of density proportional to sqrt |G(z)^-1|, to draw new latents from.

        Raises:
            ValueError: there has been no training, and so there are no centroids.

        """
        return Volume(self.metric)

    def _learned(self, mu: Tensor, factors: Tensor) -> Metric:
        """Return the metric that a training batch has just entered, first in, first out."""
        alone("posterior 'riemannian'", "centroids", "Launch one, or use another posterior.")
        mu = torch.cat((mu, self.centres))[: self.centroids]
        factors = torch.cat((factors, self.factors))[: self.centroids]
        with torch.no_grad():
            self.centres.copy_(mu)
            self.factors.copy_(factors)
        return Metric(mu, factors, self.temperature, self.regularisation)


def _triangle(entries: Tensor, latent: int) -> Tensor:
    """Return lower triangular matrices of a positive diagonal, [batch, latent, latent]."""
    rows, columns = torch.tril_indices(latent, latent, device=entries.device)
    zero = entries.new_zeros(len(entries), latent * latent)
    full = zero.index_add(1, latent * rows + columns, entries).unflatten(1, (latent, latent))
    diagonal = full.diagonal(dim1=-2, dim2=-1)
    return full.tril(-1) + torch.diag_embed(F.softplus(diagonal))
