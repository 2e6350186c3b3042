"""What every prior is: a distribution over the latents."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import nn
from torch.distributions import Distribution


class Prior(nn.Module, ABC):
    """p(z): a module whose `forward` returns a distribution of batch shape []."""

    @abstractmethod
    def setup(self, latent: int) -> None:
        """Create what depends on the number of latents; the model calls it once."""

    @abstractmethod
    def forward(self) -> Distribution:
        """Return p(z), event shape [latent]."""
