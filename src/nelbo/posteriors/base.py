"""What every posterior is: an encoder's output turned into a distribution over the latents."""

from __future__ import annotations

from abc import ABC, abstractmethod

from jaxtyping import Float
from torch import Tensor, nn
from torch.distributions import Distribution

from nelbo.context import EUCLIDEAN, Context


class Posterior(nn.Module, ABC):
    """q(z|x): a module whose `forward` returns a distribution of batch shape [batch].

    Attributes:
        base_measure: what its density is a density against; the prior's must be the same, or
            there is no KL between them.
    """

    base_measure: str = EUCLIDEAN

    @abstractmethod
    def forward(self, parameters: Float[Tensor, " batch *parameters"]) -> Distribution:
        """Return q(z|x) for the encoder's output, [batch, *parameter_shape]."""

    @abstractmethod
    def parameter_shape(self, latent: int) -> tuple[int, ...]:
        """Return the shape of the encoder's output for one example."""

    def setup(self, latent: int) -> None:  # noqa: B027 - most have nothing to create
        """Create what depends on the number of latents; the model calls it once.

        Raises:
            ValueError: this posterior cannot have so many latents.

        """

    def connect(self, prior: nn.Module) -> None:  # noqa: B027 - most go with any prior
        """Take note of the prior, once it is set up.

        Raises:
            ValueError: this posterior does not go with this prior.

        """

    def check_examples(self, examples: int) -> None:  # noqa: B027 - most need no number of them
        """Refuse a training set of so many examples; `fit` calls it where the number is known.

        Raises:
            ValueError: there are too few for this posterior.

        """

    def within(
        self, parameters: Float[Tensor, " batch *parameters"], context: Context
    ) -> Distribution:
        """Return q(z|x) where it depends on more of the model than the encoder's output."""
        return self(parameters)
