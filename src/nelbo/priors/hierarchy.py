"""What priors of several levels share."""

from __future__ import annotations

from typing import TypeVar

from torch import nn

from nelbo.distributions.flow import standard_points
from nelbo.distributions.top_down import Level, TopDownGaussian, TopDownNetwork, require_sum

POINTS = 64  # of the estimated moments
Layer = TypeVar("Layer", bound=nn.Linear | nn.Conv2d)


# p(z) = p(z_1) prod_l p(z_l | z_<l)
class Hierarchy(nn.Module, TopDownNetwork):
    """Levels of latents, each Gaussian given those above it, through one state that goes down.

    Args:
        levels: how many latents each level has, or the shape of its maps, the top first; `latent`
            is the sum of them.
        hidden: size of the state, or its channels.

    Raises:
        ValueError: when the model is built, levels that do not sum to `latent`.
    """

    def __init__(self, levels: tuple[Level, ...], hidden: int) -> None:
        super().__init__()
        self.levels, self.hidden = levels, hidden

    def setup(self, latent: int) -> None:
        """Refuse another number of latents; subclasses create their networks."""
        require_sum(self.levels, latent)
        self.register_buffer("points", standard_points(latent, POINTS), persistent=False)

    def forward(self) -> TopDownGaussian:
        """Return p(z)."""
        return TopDownGaussian(self)


def silent(layer: Layer) -> Layer:
    """Return a layer whose outputs are 0 at first.

    Example:
        >>> bool(silent(nn.Linear(3, 2)).weight.any())
        False

    """
    nn.init.zeros_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer
