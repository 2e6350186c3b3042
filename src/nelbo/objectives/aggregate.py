"""What objectives over the aggregate posterior share: densities of all pairs, and a discrepancy."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Independent

from nelbo.checks import not_negative
from nelbo.errors import BadValue
from nelbo.terms import Terms

Points = Float[Tensor, "n latent"]
Kernel = Callable[[Float[Tensor, "n m"], int], Float[Tensor, "n m"]]


def check_weights(**weights: float) -> None:
    """Refuse weights that are negative or not finite."""
    for name, value in weights.items():
        not_negative(name, value, fix="Leave it out for the paper's.")


def log_q_of_pairs(terms: Terms) -> Float[Tensor, "samples batch other latent"]:
    """Return log q(z_k|x') of each draw under each posterior of the batch, latent by latent.

    Raises:
        ValueError: the posterior has no density for each latent by itself.

    """
    if not isinstance(terms.q, Independent):
        raise BadValue(
            "log q(z_k|x)",
            expected="a posterior whose latents are independent",
            got=type(terms.q).__name__,
            fix="Use the posterior 'diagonal', or the objective 'factor_vae', which needs draws "
            "alone.",
        )
    return terms.q.base_dist.log_prob(terms.z[:, :, None])


def moments(terms: Terms) -> tuple[Float[Tensor, "batch latent"], Float[Tensor, "batch latent"]]:
    """Return mean and variance of each posterior."""
    return terms.q.mean, terms.q.variance


# k(x, y) = exp(-|x - y|^2 / (2 K)),  K = E|z|^2 under N(0, I)
def gaussian_kernel(squared: Float[Tensor, "n m"], latent: int) -> Float[Tensor, "n m"]:
    """Gaussian kernel whose variance is the number of latents."""
    return torch.exp(-squared / (2 * latent))


# k(x, y) = sum_s C_s / (C_s + |x - y|^2),  C_s = 2 K s                    Tolstikhin et al. 2018, 4
def inverse_multiquadratic(squared: Float[Tensor, "n m"], latent: int) -> Float[Tensor, "n m"]:
    """Inverse multiquadratic kernel, whose tails are heavy, summed over seven scales."""
    scales = [2.0 * latent * s for s in (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)]
    return torch.stack([c / (c + squared) for c in scales]).sum(0)


KERNELS: dict[str, Kernel] = {"gaussian": gaussian_kernel, "imq": inverse_multiquadratic}


# MMD^2(q, p) = E k(z, z') - 2 E k(z, y) + E k(y, y')                         Gretton et al. 2012, 5
def mmd(z: Points, y: Points, kernel: Kernel) -> Float[Tensor, ""]:
    """Return the squared maximum mean discrepancy of two samples, at least 0."""
    latent = z.shape[-1]

    def mean(a: Tensor, b: Tensor) -> Tensor:
        squared = ((a[:, None] - b[None]) ** 2).sum(-1)
        return kernel(squared, latent).mean()

    return mean(z, z) - 2 * mean(z, y) + mean(y, y)


def discrepancy(terms: Terms, kernel: str) -> Float[Tensor, ""]:
    """Return the squared MMD between the batch's latents and as many of the prior's."""
    return mmd(terms.z.flatten(0, 1), prior_draws(terms), KERNELS[kernel])


def prior_draws(terms: Terms) -> Points:
    """Return as many draws of p(z) as there are of q(z|x), [samples * batch, latent]."""
    shape = terms.z.shape[:1] if terms.p.batch_shape else terms.z.shape[:2]
    return terms.p.sample(shape).flatten(0, 1)
