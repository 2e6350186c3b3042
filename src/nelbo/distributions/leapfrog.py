"""Leapfrogs: steps of Hamiltonian dynamics that can be undone and preserve volumes."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from jaxtyping import Float
from torch import Tensor

from nelbo.distributions.metric import Metric

Points = Float[Tensor, "samples batch latent"]
Slope = Callable[[Tensor], Tensor]


# rho' = rho + e/2 grad log p(x, z),   z <- z + e rho',   rho <- a_k [rho' + e/2 grad log p(x, z)]
#                                                       Caterini et al. 2018, algorithm 1
def leapfrog(
    slope: Slope,
    z: Points,
    momentum: Points,
    step: Float[Tensor, "*latent"] | float,
    cooling: Iterable[Tensor | float],
) -> tuple[Points, Points]:
    """Return latents and momentum after a leapfrog step for each factor of `cooling`.

    A factor 1 makes a step that preserves volumes; a, one whose determinant is a^latent.

    Args:
        slope: the gradient of the log-density with respect to z.
        z: latents.
        momentum: rho.
        step: e, of each latent.
        cooling: a_k, with which the momentum is multiplied after each step.

    Example:
        >>> import torch
        >>> z, rho = leapfrog(lambda z: -z, torch.ones(1, 1, 1), torch.zeros(1, 1, 1), 0.1, [1.0])
        >>> round(z.item(), 4), round(rho.item(), 5)
        (0.995, -0.09975)

    """
    force = slope(z)
    for factor in cooling:
        half = momentum + 0.5 * step * force
        z = z + step * half
        force = slope(z)
        momentum = factor * (half + 0.5 * step * force)
    return z, momentum


# rho' = rho - e/2 dH/dz(z, rho'),   z' = z + e/2 [dH/drho(z, rho') + dH/drho(z', rho')],
# rho'' = rho' - e/2 dH/dz(z', rho'),   H = -log p(x, z) + 1/2 log|G(z)| + 1/2 rho' G(z)^-1 rho
#                                      Girolami & Calderhead 2011, equations 17 to 19
def generalised_leapfrog(
    slope: Slope,
    metric: Metric,
    z: Points,
    momentum: Points,
    step: Float[Tensor, ""] | float,
    cooling: Iterable[Tensor | float],
    iterations: int,
) -> tuple[Points, Points]:
    """Return latents and momentum after a leapfrog step under a metric for each factor.

    The first two equations of a step are implicit, and solved by iterating them so many times:
    only at their solution can the step be undone, and preserves volumes.

    Args:
        slope: the gradient of log p(x, z) with respect to z.
        metric: G.
        z: latents.
        momentum: rho.
        step: e.
        cooling: a_k, with which the momentum is multiplied after each step.
        iterations: of each implicit equation.
    """
    here, force = metric.at(z), slope(z)
    for factor in cooling:
        half = momentum
        for _ in range(iterations):
            half = momentum + 0.5 * step * (force + here.force(half))
        velocity, start = here.velocity(half), z
        z = start + step * velocity
        for _ in range(iterations - 1):
            z = start + 0.5 * step * (velocity + metric.at(z).velocity(half))
        here, force = metric.at(z), slope(z)
        momentum = factor * (half + 0.5 * step * (force + here.force(half)))
    return z, momentum
