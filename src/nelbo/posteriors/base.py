"""What every posterior is: an encoder's output turned into a distribution over the latents."""

from __future__ import annotations

from abc import ABC, abstractmethod

from jaxtyping import Float
from torch import Tensor, nn
from torch.distributions import Distribution


class Posterior(nn.Module, ABC):
    """q(z|x): a module whose `forward` returns a distribution of batch shape [batch]."""

    @abstractmethod
    def forward(self, parameters: Float[Tensor, " batch *parameters"]) -> Distribution:
        """Return q(z|x) for the encoder's output, [batch, *parameter_shape]."""

    @abstractmethod
    def parameter_shape(self, latent: int) -> tuple[int, ...]:
        """Return the shape of the encoder's output for one example."""
