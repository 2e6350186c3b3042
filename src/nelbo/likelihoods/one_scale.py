"""What likelihoods have in common whose noise has one scale: stated, or learned."""

from __future__ import annotations

from abc import ABC, abstractmethod

from jaxtyping import Float
from torch import Tensor, nn
from torch.distributions import Distribution, Independent

from nelbo.likelihoods.scale import stated_or_learned


class OneScale(nn.Module, ABC):
    """Independent features, each of the decoder's output and the scale that all share.

    Args:
        scale: stated; by default learned.

    Raises:
        ValueError: a scale that is not positive.

    """

    unit_variance: float  # of a feature, at a scale of 1

    def __init__(self, scale: float | None = None) -> None:
        super().__init__()
        self.scale = scale
        self.noise = stated_or_learned(scale)

    @abstractmethod
    def features(self, parameters: Tensor) -> Distribution:
        """Return the distribution of each feature by itself."""

    def forward(self, parameters: Float[Tensor, "samples batch *event"]) -> Distribution:
        """Return p(x|z) for the decoder's output, [samples, batch, *data_shape]."""
        features = self.features(parameters)
        return Independent(features, parameters.dim() - 2, validate_args=False)

    @property
    def implied_variance(self) -> float | None:
        """The noise variance that all features share."""
        return self.unit_variance * self.noise.number**2

    def start(self, mean: Float[Tensor, " *event"], variance: Float[Tensor, " *event"]) -> None:
        """Begin at the scale whose variance is the data's."""
        self.noise.start(variance / self.unit_variance)
