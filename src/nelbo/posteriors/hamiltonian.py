"""Hamiltonian posterior."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor
from torch.distributions import Distribution

from nelbo.checks import count
from nelbo.context import Context
from nelbo.distributions.evolved import Evolved, Moved
from nelbo.distributions.flow import standard_points
from nelbo.distributions.leapfrog import leapfrog
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


# z_0 ~ N(mu(x), diag sigma(x)^2),   rho_0 ~ N(0, I / beta_0),   K leapfrog steps on -log p(x, z),
# rho <- sqrt(beta_(k-1) / beta_k) rho after each,
# 1 / sqrt(beta_k) = (1 - 1/sqrt(beta_0)) k^2 / K^2 + 1/sqrt(beta_0)     Caterini et al. 2018, 3.2
@register("posterior", "hamiltonian")
class Hamiltonian(Posterior):
    """A diagonal Gaussian whose draws follow the gradient of log p(x, z) for a few steps (HVAE).

    The model itself leads the draws to where the true posterior has its mass; every step costs a
    pass of the decoder forward and back. Step sizes, one for each latent, and the heat of the
    momentum at the start are learned, and shared by all examples: it is cooling that lets the bound
    gain, since without it the energy is conserved. log q is that of latents and
    momentum together: see `Evolved`, also for what its mean is. Objectives that ask for log q
    elsewhere than at its own draws ('stl', 'dreg', 'beta_tcvae', the prior 'vamp') are refused.

    Source: Caterini, Doucet & Sejdinovic 2018, Hamiltonian variational auto-encoder, algorithm 1.

    Args:
        steps: K, at least 1.
        step_size: at the start, positive, in units of the latents.
        beta_zero: at the start, in (0, 1]: 1 / beta_0 is the variance of the first momentum; 1,
            which is not learned, for no tempering.

    Raises:
        ValueError: a value out of its range.

    Example:
        >>> import torch, nelbo
        >>> model = nelbo.VAE(data_shape=(4,), latent=2, posterior=Hamiltonian(steps=2))
        >>> model.terms(torch.rand(3, 4), samples=5).log_w.shape
        torch.Size([5, 3])

    """

    points: Tensor

    def __init__(self, steps: int = 3, step_size: float = 0.01, beta_zero: float = 0.3) -> None:
        super().__init__()
        self.steps = count("steps", steps, least=1, usual=3)
        self.step_size = checked_step_size(step_size)
        self.beta_zero, self.start = beta_zero, Diagonal()
        self.tempering = Tempering(steps, beta_zero)

    def setup(self, latent: int) -> None:
        """Create the step sizes."""
        self.size = StepSize((latent,), self.step_size)
        self.register_buffer("points", standard_points(2 * latent), persistent=False)

    def parameter_shape(self, latent: int) -> tuple[int, ...]:
        """Return (2, latent): mean and logarithm of the variance of z_0."""
        return self.start.parameter_shape(latent)

    def forward(self, parameters: Float[Tensor, "batch two latent"]) -> Distribution:
        """Refuse: it follows the gradient of a model.

        Raises:
            ValueError: always.

        """
        raise needs_a_model("hamiltonian")

    def within(
        self, parameters: Float[Tensor, "batch two latent"], context: Context
    ) -> Distribution:
        """Return q(z|x) for z_0's [batch, (mu, logvar), latent]."""
        slope = joint_slope(context)

        # log N(rho_0; 0, I/beta_0) - log det = log N(noise; 0, I): tempering's determinant,
        # beta_0^(latent/2), is the normaliser of what it undoes
        def trajectory(z: Tensor, noise: Tensor) -> Moved:
            heat, cooling = self.tempering(z)
            z, momentum = leapfrog(slope, z, heat * noise, self.size(), cooling)
            return Moved(z, 0.5 * (momentum.square() - noise.square()).sum(-1))

        return Evolved(self.start(parameters), trajectory, self.points)
