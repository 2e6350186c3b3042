"""What posteriors share that walk down the levels of their prior."""

from __future__ import annotations

from abc import ABC, abstractmethod

from jaxtyping import Float
from torch import Tensor, nn

from nelbo.distributions.top_down import (
    Level,
    Merge,
    TopDownGaussian,
    TopDownNetwork,
    require_sum,
    require_top_down,
)
from nelbo.errors import BadValue


# q(z|x) = q(z_1|x) prod_l q(z_l | z_<l, x), each made of p(z_l | z_<l) and what the encoder says
class FromTop(nn.Module, ABC):
    """Levels of latents, drawn from the top down with the prior's own network.

    Args:
        levels: how many latents each level has, or the shape of its maps, the top first; `latent`
            is the sum of them.

    Raises:
        ValueError: when the model is built, levels that do not sum to `latent`, or another prior.
    """

    def __init__(self, levels: tuple[Level, ...]) -> None:
        super().__init__()
        self.levels = levels
        # in a tuple, so that the prior is no part of the posterior: its weights are saved once
        self._networks: tuple[TopDownNetwork, ...] = ()

    def setup(self, latent: int) -> None:
        """Refuse another number of latents."""
        require_sum(self.levels, latent)

    def connect(self, prior: nn.Module) -> None:
        """Take note of the prior, whose network this posterior walks down with."""
        self._networks = (require_top_down(self, self.levels, prior),)

    @abstractmethod
    def merge(self, parameters: Float[Tensor, " batch *parameters"]) -> Merge:
        """Return what makes q(z_l | z_<l, x) of p(z_l | z_<l), for the encoder's output."""

    def forward(self, parameters: Float[Tensor, " batch *parameters"]) -> TopDownGaussian:
        """Return q(z|x).

        Raises:
            ValueError: it is connected to no prior.

        """
        if not self._networks:
            raise BadValue(
                f"posterior {type(self).__name__}",
                expected="a prior that it is connected to",
                got="none",
                fix="Call posterior.connect(prior), as nelbo.VAE does.",
            )
        return TopDownGaussian(self._networks[0], parameters.shape[:1], self.merge(parameters))
