"""Residual top-down posterior of maps."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn

from nelbo.checks import count
from nelbo.distributions.maps import GatedMaps, Map, growing
from nelbo.distributions.top_down import Gaussian, Merge, bounded, require_top_down, sizes_of
from nelbo.posteriors.base import Posterior
from nelbo.posteriors.from_top import FromTop
from nelbo.registry import register

NEAR = 0.1  # the gain of what moves q away from p: at first, very little


# q(z_l | z_<l, x) = N(mu_p + d_mu, sigma_p^2 d_sigma^2),   p(z_l | z_<l) = N(mu_p, sigma_p^2)
# (d_mu, log d_sigma^2) = W_l * [(A_l * h_l + B_l * e_l) sigmoid(C_l * h_l + D_l * e_l)],
# where * is a convolution, and e the encoder's maps of the level's size
@register("posterior", "residual_maps")
class ResidualMaps(FromTop, Posterior):
    """Levels of maps, each of which says how it differs from what the prior expects there.

    The encoder's output is a few maps of features for each map of latents, of the same size, which
    a gated convolution joins with the state of the prior, 'top_down_maps' of the same levels. The
    network 'conv_maps' makes them at each size; others from their last layer. A level that the
    data says nothing about costs nothing: d_mu = 0 and d_sigma = 1, where all levels nearly start.

    Source: Vahdat & Kautz 2020, NVAE: A deep hierarchical variational autoencoder, section 3.2.

    Args:
        levels: channels, height and width of each level's maps, the smallest first; `latent` is
            the sum of their products.
        features: maps of the encoder's output for each map of latents, at least 1.

    Raises:
        ValueError: no levels, a size below 1, a level smaller than the one above it, or (when the
            model is built) levels that do not sum to `latent`, or another prior.

    Example:
        >>> import torch, nelbo
        >>> levels = ((2, 1, 1), (1, 2, 2))
        >>> prior, posterior = nelbo.priors.TopDownMaps(levels), ResidualMaps(levels)
        >>> model = nelbo.VAE(4, latent=6, posterior=posterior, prior=prior)
        >>> model.terms(torch.rand(8, 4)).kl.shape
        torch.Size([8, 6])

    """

    levels: tuple[Map, ...]

    def __init__(self, levels: tuple[Map, ...] = ((4, 4, 4), (2, 8, 8)), features: int = 4) -> None:
        super().__init__(growing("levels", levels))
        self.features = count("features", features, least=1, usual=4)

    def connect(self, prior: nn.Module) -> None:
        """Create the layers that join features and the state of this prior."""
        super().connect(prior)
        hidden = require_top_down(self, self.levels, prior).hidden
        self.joints = nn.ModuleList(
            GatedMaps(hidden, self.features * channels, 2 * channels, NEAR)
            for channels, *_ in self.levels
        )

    def parameter_shape(self, latent: int) -> tuple[int, ...]:
        """Return (features, latent): so many maps for each map of latents."""
        return (self.features, latent)

    def merge(self, parameters: Float[Tensor, "batch features latent"]) -> Merge:
        """Return the prior's Gaussian moved and widened."""
        flat = parameters.split(sizes_of(self.levels), dim=-1)
        parts = [
            part.unflatten(-1, level).flatten(1, 2)
            for part, level in zip(flat, self.levels, strict=True)
        ]

        def merged(level: int, state: Tensor, prior: Gaussian) -> Gaussian:
            change = self.joints[level](state, parts[level]).to(parameters.dtype)
            mu, logvar = (half.flatten(-3) for half in change.chunk(2, dim=-3))
            return Gaussian(prior.mu + mu, prior.logvar + bounded(logvar))

        return merged
