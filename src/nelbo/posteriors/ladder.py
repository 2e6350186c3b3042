"""Ladder posterior."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from nelbo.checks import sizes
from nelbo.distributions.top_down import Gaussian, Merge, bounded, sizes_of
from nelbo.posteriors.base import Posterior
from nelbo.posteriors.from_top import FromTop
from nelbo.registry import register


# q(z_1|x) = N(m_1(x), s_1(x)^2); on the levels below, where p(z_l | z_<l) = N(mu_p, sigma_p^2),
# sigma_q^2 = 1 / (1/s_l^2 + 1/sigma_p^2),   mu_q = sigma_q^2 (m_l/s_l^2 + mu_p/sigma_p^2)
@register("posterior", "ladder")
class Ladder(FromTop, Posterior):
    """Levels of latents, each the product of what the encoder and what the prior says of it.

    The encoder's output is a mean and a logarithm of the variance of each latent; the prior is
    'top_down', of the same levels. In the paper the levels' m and s come from different depths of
    the encoder, here from its last layer. As there, the lower levels need a warm-up of beta
    ('elbo:beta=linear(steps=3000)') or free bits: what costs nothing at first is the prior's own
    Gaussian, of which an encoder that is sure of nothing hears no more.

    Source: Sonderby et al. 2016, Ladder variational autoencoders, section 2.2.

    Args:
        levels: how many latents each level has, the top first; `latent` is their sum.

    Raises:
        ValueError: no levels, a size below 1, or (when the model is built) levels that do not sum
            to `latent`, or another prior.

    Example:
        >>> import torch, nelbo
        >>> prior = nelbo.priors.TopDown(levels=(2, 3))
        >>> model = nelbo.VAE(4, latent=5, posterior=Ladder(levels=(2, 3)), prior=prior)
        >>> model.terms(torch.rand(8, 4)).kl.shape
        torch.Size([8, 5])

    """

    def __init__(self, levels: tuple[int, ...] = (4, 16)) -> None:
        super().__init__(sizes("levels", levels, "(4, 16)"))

    def parameter_shape(self, latent: int) -> tuple[int, ...]:
        """Return (2, latent): a mean and a logarithm of the variance for each latent."""
        return (2, latent)

    def merge(self, parameters: Float[Tensor, "batch two latent"]) -> Merge:
        """Return the product of both Gaussians; on the first level, the encoder's alone."""
        parts = parameters.split(sizes_of(self.levels), dim=-1)

        def merged(level: int, state: Tensor, prior: Gaussian) -> Gaussian:
            mu, raw = parts[level].unbind(1)
            seen = Gaussian(mu, bounded(raw))
            return precision_weighted(seen, prior) if level else seen

        return merged


def precision_weighted(a: Gaussian, b: Gaussian) -> Gaussian:
    """Return the normalised product of two Gaussians.

    Example:
        >>> one = torch.ones(1)
        >>> mu, logvar = precision_weighted(Gaussian(0 * one, 0 * one), Gaussian(one, 0 * one))
        >>> mu, logvar.exp()
        (tensor([0.5000]), tensor([0.5000]))

    """
    # the share of a's precision, without ever dividing by a variance
    share = torch.sigmoid(b.logvar - a.logvar)
    return Gaussian(
        torch.lerp(b.mu.expand(share.shape), a.mu.expand(share.shape), share),
        a.logvar + F.logsigmoid(b.logvar - a.logvar),
    )
