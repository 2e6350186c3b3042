"""Prior of several levels of maps."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from nelbo.checks import count
from nelbo.distributions.maps import GatedMaps, Map, convolution, everywhere, growing, resized
from nelbo.distributions.top_down import Gaussian, bounded
from nelbo.priors.base import Prior
from nelbo.priors.hierarchy import Hierarchy, silent
from nelbo.registry import register


# p(z) = p(z_1) prod_l p(z_l | z_<l),   (mu_l, logvar_l) = V_l * h_l,   h_1 learned,
# h_(l+1) = U h_l + W_l * [(A_l * U h_l + B_l * U z_l) sigmoid(C_l * U h_l + D_l * U z_l)],
# where * is a convolution, and U brings maps to the size of the next level's
@register("prior", "top_down_maps")
class TopDownMaps(Hierarchy, Prior):
    """Levels of maps, of growing size, each Gaussian given those above it.

    What goes down are maps too: between two levels they are enlarged, and a gated residual block
    adds what the upper level's latents say. Latents of one level depend on each other through the
    levels above it; several levels may have one size. The model's latents are one vector, the
    levels' maps flattened side by side. It starts as N(0, I): what gives the conditionals starts
    at 0.

    Source: Vahdat & Kautz 2020, NVAE: A deep hierarchical variational autoencoder, figure 2;
    Child 2021, Very deep VAEs generalize autoregressive models and can outperform them on images,
    figure 3.

    Args:
        levels: channels, height and width of each level's maps, the smallest first; `latent` is
            the sum of their products.
        hidden: channels of what goes down, at least 1.

    Raises:
        ValueError: no levels, a size below 1, a level smaller than the one above it, or (when the
            model is built) levels that do not sum to `latent`.

    Example:
        >>> prior = TopDownMaps(levels=((4, 4, 4), (2, 8, 8)), hidden=16)
        >>> prior.setup(latent=4 * 4 * 4 + 2 * 8 * 8)
        >>> prior().sample().shape
        torch.Size([192])

    """

    levels: tuple[Map, ...]

    def __init__(self, levels: tuple[Map, ...] = ((4, 4, 4), (2, 8, 8)), hidden: int = 32) -> None:
        super().__init__(growing("levels", levels), count("hidden", hidden, least=1, usual=32))

    def setup(self, latent: int) -> None:
        """Create the networks of the levels."""
        super().setup(latent)
        self.first = nn.Parameter(torch.zeros(self.hidden, *self.levels[0][1:]))
        channels = [level[0] for level in self.levels]
        self.heads = nn.ModuleList(silent(convolution(self.hidden, 2 * c)) for c in channels)
        # below the last level nobody is left to hear of it
        self.blocks = nn.ModuleList(GatedMaps(self.hidden, c, self.hidden) for c in channels[:-1])

    def top(self) -> Float[Tensor, "hidden height width"]:
        """Return the state above the first level."""
        return self.first

    def conditional(
        self, level: int, state: Float[Tensor, "*shape hidden height width"]
    ) -> Gaussian:
        """Return p(z_l | z_<l) of the state above a level."""
        maps = everywhere(self.heads[level], state).to(self.first.dtype)
        mu, logvar = (half.flatten(-3) for half in maps.chunk(2, dim=-3))
        return Gaussian(mu, bounded(logvar))

    def advance(
        self,
        level: int,
        state: Float[Tensor, "*#shape hidden height width"],
        z: Float[Tensor, "*#shape size"],
    ) -> Float[Tensor, "*shape hidden new_height new_width"]:
        """Return the state below a level, as large as the next one."""
        above, below = self.levels[level : level + 2]
        large = resized(state, below)
        return large + self.blocks[level](large, resized(z.unflatten(-1, above), below))
