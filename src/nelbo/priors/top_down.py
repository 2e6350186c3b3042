"""Prior of several levels."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from nelbo.checks import count, sizes
from nelbo.distributions.gated_pair import GatedPair
from nelbo.distributions.top_down import Gaussian, bounded, sizes_of
from nelbo.priors.base import Prior
from nelbo.priors.hierarchy import Hierarchy, silent
from nelbo.registry import register


# p(z) = p(z_1) prod_l p(z_l | z_<l),   p(z_l | z_<l) = N(mu_l(h_l), diag exp(logvar_l(h_l)))
# h_(l+1) = h_l + U_l [(A_l h_l + B_l z_l) * sigmoid(C_l h_l + D_l z_l)]
@register("prior", "top_down")
class TopDown(Hierarchy, Prior):
    """Levels of latents, each Gaussian given those above it, through one state that goes down.

    The latents of the model are the levels side by side. It starts as N(0, I): the layers that
    give the conditionals start at 0.

    Source: Child 2021, Very deep VAEs generalize autoregressive models and can outperform them on
    images, section 3.2, of vectors; Sonderby et al. 2016, Ladder variational autoencoders,
    equation 1.

    Args:
        levels: how many latents each level has, the top first; `latent` is their sum.
        hidden: size of the state, at least 1.

    Raises:
        ValueError: no levels, a size below 1, or (when the model is built) levels that do not sum
            to `latent`.

    Example:
        >>> prior = TopDown(levels=(4, 16), hidden=32)
        >>> prior.setup(latent=20)
        >>> prior().sample().shape
        torch.Size([20])

    """

    def __init__(self, levels: tuple[int, ...] = (4, 16), hidden: int = 128) -> None:
        levels = sizes("levels", levels, "(4, 16)")
        super().__init__(levels, count("hidden", hidden, least=1, usual=128))

    def setup(self, latent: int) -> None:
        """Create the networks of the levels."""
        super().setup(latent)
        each = sizes_of(self.levels)
        self.first = nn.Parameter(torch.zeros(self.hidden))
        self.heads = nn.ModuleList(silent(nn.Linear(self.hidden, 2 * size)) for size in each)
        # below the last level nobody is left to hear of it
        self.blocks = nn.ModuleList(GatedPair(self.hidden, size, self.hidden) for size in each[:-1])

    def top(self) -> Float[Tensor, " hidden"]:
        """Return the state above the first level."""
        return self.first

    def conditional(self, level: int, state: Float[Tensor, "*shape hidden"]) -> Gaussian:
        """Return p(z_l | z_<l) of the state above a level."""
        mu, logvar = self.heads[level](state).to(self.first.dtype).chunk(2, dim=-1)
        return Gaussian(mu, bounded(logvar))

    def advance(
        self, level: int, state: Float[Tensor, "*#shape hidden"], z: Float[Tensor, "*#shape size"]
    ) -> Float[Tensor, "*shape hidden"]:
        """Return the state below a level."""
        return state + self.blocks[level](state, z)
