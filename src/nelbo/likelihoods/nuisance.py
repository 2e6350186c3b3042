"""Where a likelihood's second parameter comes from: one for all, one a feature, or the decoder."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from nelbo.errors import BadValue, nearest

Shape = tuple[int, ...]


class Nuisance(nn.Module, ABC):
    """A real number beside each feature's mean, such as the logarithm of a scale.

    Attributes:
        maps: how many outputs of the decoder it takes for each feature.
        start: the number to begin with.
    """

    maps: int = 0
    start: float

    @abstractmethod
    def forward(self, predicted: Sequence[Tensor]) -> Tensor:
        """Return the number, given what the decoder puts out beside the mean."""

    def setup(self, data_shape: Shape) -> None:  # noqa: B027 - most have nothing to create
        """Create what depends on the shape of an example."""

    def parameter_shape(self, data_shape: Shape) -> Shape:
        """Return the shape of the output of a decoder that otherwise gives one map."""
        return (1 + self.maps, *data_shape) if self.maps else data_shape

    def split(self, parameters: Float[Tensor, "samples batch *output"]) -> tuple[Tensor, Tensor]:
        """Return the mean's part of the decoder's output, and the number beside it."""
        mean, *predicted = parameters.unbind(2) if self.maps else (parameters,)
        return mean, self(predicted)

    def beside(self, output: Float[Tensor, " *event"]) -> Float[Tensor, " *output"]:
        """Return a whole output of the decoder: that of the mean, and the start beside it."""
        return torch.stack((output, torch.full_like(output, self.start))) if self.maps else output

    @property
    def learned(self) -> Tensor | None:
        """The number, None where the decoder predicts it."""
        return None if self.maps else self(()).detach()


class Shared(Nuisance):
    """One learned number for all features."""

    def __init__(self, start: float) -> None:
        super().__init__()
        self.start = start
        self.rho = nn.Parameter(torch.tensor(start))

    def forward(self, predicted: Sequence[Tensor]) -> Tensor:
        """Return the learned number."""
        return self.rho


class PerFeature(Nuisance):
    """A learned number for each feature; one for all until `setup` knows how many there are."""

    def __init__(self, start: float) -> None:
        super().__init__()
        self.start = start
        self.rho = nn.Parameter(torch.tensor(start))

    def setup(self, data_shape: Shape) -> None:
        """Give every feature its own number; those of this shape stay as they are."""
        if tuple(self.rho.shape) != data_shape:
            self.rho = nn.Parameter(self.rho.detach().mean().expand(data_shape).clone())

    def forward(self, predicted: Sequence[Tensor]) -> Tensor:
        """Return the learned numbers."""
        return self.rho


class Predicted(Nuisance):
    """The decoder predicts it for each feature of each example."""

    maps = 1

    def __init__(self, start: float) -> None:
        super().__init__()
        self.start = start

    def forward(self, predicted: Sequence[Tensor]) -> Tensor:
        """Return the last of the decoder's maps."""
        return predicted[-1]


NUISANCES: dict[str, type[Shared] | type[PerFeature] | type[Predicted]] = {
    "shared": Shared,
    "per_feature": PerFeature,
    "predicted": Predicted,
}


def nuisance(what: str, name: str, start: float) -> Nuisance:
    """Return the nuisance parameter of a name; ValueError names the nearest."""
    if name not in NUISANCES:
        raise BadValue(what, expected="a known rule", got=f"'{name}'", fix=nearest(name, NUISANCES))
    return NUISANCES[name](start)
