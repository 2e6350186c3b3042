"""Gaussian posterior with a full covariance matrix."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Distribution, Independent, MultivariateNormal, Normal
from torch.distributions.kl import register_kl

from nelbo.posteriors.base import Posterior
from nelbo.registry import register


# q(z|x) = N(z; mu, L L^T),   L = diag(sigma) (I + M / K),   M strictly lower triangular
@register("posterior", "full_covariance")
class FullCovariance(Posterior):
    """A Gaussian whose latents may depend on each other; its KL to Gaussian priors is closed.

    The encoder's output is mu, log sigma^2, and M row by row; all outputs 0 is N(0, I). Rows of L
    have their scale in common, so that a narrow latent does not make L hard to invert, and M is
    divided by their number, so that a network's first outputs are nearly independent latents.

    Source: Kingma & Welling 2019, An Introduction to Variational Autoencoders, section 2.5.1.

    Example:
        >>> q = FullCovariance()(torch.zeros(3, 20 + 210))
        >>> q.rsample().shape
        torch.Size([3, 20])

    """

    def forward(self, parameters: Float[Tensor, "batch parameters"]) -> Distribution:
        """Return q(z|x) for [batch, latent + latent (latent + 1) / 2]."""
        latent = _latent(parameters.shape[1])
        mu, log_square, below = parameters.tensor_split((latent, 2 * latent), dim=1)
        rows, columns = torch.tril_indices(latent, latent, -1, device=mu.device)
        unit = torch.eye(latent, dtype=mu.dtype, device=mu.device).flatten().expand(len(mu), -1)
        unit = unit.index_add(1, latent * rows + columns, below / latent).unflatten(
            1, (latent, latent)
        )
        factor = torch.exp(0.5 * log_square)[..., None] * unit
        return _Gaussian(mu, scale_tril=factor, validate_args=False)

    def parameter_shape(self, latent: int) -> tuple[int, ...]:
        """Return (latent + latent (latent + 1) / 2,): a mean and a triangle."""
        return (latent + latent * (latent + 1) // 2,)


class _Gaussian(MultivariateNormal):
    """torch's, under a name of its own: its KL is no one else's."""


# KL = 1/2 sum_k [ (Sigma_kk + (mu_k - m_k)^2) / s_k^2 - 1 + log s_k^2 ] - sum_k log L_kk
@register_kl(_Gaussian, Independent)
def _kl(q: _Gaussian, p: Independent) -> Float[Tensor, " batch"]:
    base = p.base_dist
    if not isinstance(base, Normal) or len(p.event_shape) != 1:
        raise NotImplementedError
    variance = base.variance
    distance = (q.variance + (q.mean - base.mean).square()) / variance - 1 + variance.log()
    log_diagonal = q.scale_tril.diagonal(dim1=-2, dim2=-1).log().sum(-1)
    return 0.5 * distance.sum(-1) - log_diagonal


def _latent(parameters: int) -> int:
    """Return K of K + K (K + 1) / 2 parameters."""
    return round(((9 + 8 * parameters) ** 0.5 - 3) / 2)
