"""What every prior is: a distribution over the latents."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn
from torch.distributions import Distribution

from nelbo.context import EUCLIDEAN, Context


class Prior(nn.Module, ABC):
    """p(z): a module whose `forward` returns a distribution of batch shape [].

    Attributes:
        base_measure: what its density is a density against; the posterior's must be the same.
    """

    base_measure: str = EUCLIDEAN

    @abstractmethod
    def setup(self, latent: int) -> None:
        """Create what depends on the number of latents; the model calls it once."""

    def connect(  # noqa: B027 - most need no more than the number of latents
        self, posterior: nn.Module, data_shape: tuple[int, ...], covariates: int
    ) -> None:
        """Create what depends on the rest of the model; the model calls it once, after `setup`.

        Args:
            posterior: q(z|x), already set up.
            data_shape: shape of one example.
            covariates: their number; 0 where the model has none.

        Raises:
            ValueError: this prior does not go with this posterior.

        """

    def start(self, x: Tensor, z: Tensor) -> None:  # noqa: B027 - most begin as well anywhere
        """Begin near the latents of a trained model, before training goes on: `fit_prior` asks.

        Args:
            x: examples in random order, [n, *data_shape].
            z: latents in random order, [m, latent], no fewer; the first are those of x.

        """

    @abstractmethod
    def forward(self) -> Distribution:
        """Return p(z), event shape [latent]."""

    def within(self, context: Context) -> Distribution:
        """Return p(z) where it depends on more of the model: on its posteriors, or covariates."""
        return self()
