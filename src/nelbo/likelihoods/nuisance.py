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
        initial: the number to begin with, one for all features or one for each.
    """

    maps: int = 0
    initial: Tensor

    def __init__(self, initial: float) -> None:
        super().__init__()
        self.initial = torch.tensor(initial)

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
        beside = self.initial.to(output).expand_as(output)
        return torch.stack((output, beside)) if self.maps else output

    @torch.no_grad()
    def start(self, number: Float[Tensor, " *event"]) -> None:
        """Begin at a number for each feature, or at their mean where there is one for all."""
        self.initial = number
        for rho in self.parameters():
            rho.copy_(number.reshape(rho.shape) if rho.dim() else number.mean())

    @property
    def learned(self) -> Tensor | None:
        """The number, None where the decoder predicts it."""
        return None if self.maps else self(()).detach()


class Shared(Nuisance):
    """One learned number for all features."""

    def __init__(self, initial: float) -> None:
        super().__init__(initial)
        self.rho = nn.Parameter(torch.tensor(initial))

    def forward(self, predicted: Sequence[Tensor]) -> Tensor:
        """Return the learned number."""
        return self.rho


class PerFeature(Shared):
    """A learned number for each feature; one for all until `setup` knows how many there are."""

    def setup(self, data_shape: Shape) -> None:
        """Give every feature its own number; those of this shape stay as they are."""
        if tuple(self.rho.shape) != data_shape:
            self.rho = nn.Parameter(self.rho.detach().mean().expand(data_shape).clone())


class Predicted(Nuisance):
    """The decoder predicts it for each feature of each example."""

    maps = 1

    def forward(self, predicted: Sequence[Tensor]) -> Tensor:
        """Return the last of the decoder's maps."""
        return predicted[-1]


NUISANCES: dict[str, type[Shared] | type[PerFeature] | type[Predicted]] = {
    "shared": Shared,
    "per_feature": PerFeature,
    "predicted": Predicted,
}


def nuisance(what: str, name: str, initial: float) -> Nuisance:
    """Return the nuisance parameter of a name; ValueError names the nearest."""
    if name not in NUISANCES:
        raise BadValue(what, expected="a known rule", got=f"'{name}'", fix=nearest(name, NUISANCES))
    return NUISANCES[name](initial)
