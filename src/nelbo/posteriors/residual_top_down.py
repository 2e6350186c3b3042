"""Residual top-down posterior."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn

from nelbo.checks import count, sizes
from nelbo.distributions.gated_pair import GatedPair
from nelbo.distributions.top_down import Gaussian, Merge, bounded, require_top_down, sizes_of
from nelbo.posteriors.base import Posterior
from nelbo.posteriors.from_top import FromTop
from nelbo.registry import register


# q(z_l | z_<l, x) = N(mu_p + d_mu, sigma_p^2 d_sigma^2),   p(z_l | z_<l) = N(mu_p, sigma_p^2)
# (d_mu, log d_sigma^2) = W_l [(A_l h_l + B_l e_l) * sigmoid(C_l h_l + D_l e_l)],  e = encoder(x)
@register("posterior", "residual_top_down")
class ResidualTopDown(FromTop, Posterior):
    """Levels of latents, each of which says how it differs from what the prior expects there.

    The encoder's output is a vector of features for each level, which a gated layer joins with the
    state of the prior, 'top_down' of the same levels. A level that the data says nothing about
    costs nothing: d_mu = 0 and d_sigma = 1, where all levels nearly start.

    Source: Vahdat & Kautz 2020, NVAE: A deep hierarchical variational autoencoder, section 3.2;
    Child 2021, Very deep VAEs, figure 2.

    Args:
        levels: how many latents each level has, the top first; `latent` is their sum.
        features: how many numbers of the encoder's output each level is told, at least 1.

    Raises:
        ValueError: no levels, a size below 1, or (when the model is built) levels that do not sum
            to `latent`, or another prior.

    Example:
        >>> import torch, nelbo
        >>> prior, posterior = nelbo.priors.TopDown((2, 3)), ResidualTopDown((2, 3))
        >>> model = nelbo.VAE(4, latent=5, posterior=posterior, prior=prior)
        >>> model.terms(torch.rand(8, 4)).kl.shape
        torch.Size([8, 5])

    """

    def __init__(self, levels: tuple[int, ...] = (4, 16), features: int = 64) -> None:
        super().__init__(sizes("levels", levels, "(4, 16)"))
        self.features = count("features", features, least=1, usual=64)

    def connect(self, prior: nn.Module) -> None:
        """Create the layers that join features and the state of this prior."""
        super().connect(prior)
        hidden = require_top_down(self, self.levels, prior).hidden
        self.joints = nn.ModuleList(
            GatedPair(hidden, self.features, 2 * size) for size in sizes_of(self.levels)
        )

    def parameter_shape(self, latent: int) -> tuple[int, ...]:
        """Return (levels, features)."""
        return (len(self.levels), self.features)

    def merge(self, parameters: Float[Tensor, "batch levels features"]) -> Merge:
        """Return the prior's Gaussian moved and widened."""
        parts = parameters.unbind(1)

        def merged(level: int, state: Tensor, prior: Gaussian) -> Gaussian:
            change = self.joints[level](state, parts[level]).to(parameters.dtype)
            mu, logvar = change.chunk(2, dim=-1)
            return Gaussian(prior.mu + mu, prior.logvar + bounded(logvar))

        return merged
