"""A gated layer of two vectors, for distributions whose parts depend on each other."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import glu

from nelbo.distributions.weights import lecun


# W [(A h + B v + a) * sigmoid(C h + D v + c)] + b
class GatedPair(nn.Module):
    """A gated layer of a state and another vector, and an affine one.

    Weights start as N(0, 1/fan_in), twice as large in the affine layer: gates start half open. The
    state may lack dimensions that the other vector has, and the other way round.

    Source: Dauphin, Fan, Auli & Grangier 2017, Language modeling with gated convolutional networks,
    equation 1.

    Args:
        hidden: size of the state, and of the layer.
        size: of the other vector.
        outputs: their number.

    Example:
        >>> import torch
        >>> GatedPair(8, 3, outputs=2)(torch.zeros(8), torch.zeros(5, 3)).shape
        torch.Size([5, 2])

    """

    def __init__(self, hidden: int, size: int, outputs: int) -> None:
        super().__init__()
        self.state = nn.Linear(hidden, 2 * hidden)
        self.other = nn.Linear(size, 2 * hidden, bias=False)
        self.out = nn.Linear(hidden, outputs)
        for layer, gain in ((self.state, 1.0), (self.other, 1.0), (self.out, 2.0)):
            lecun(layer, layer.in_features, gain)

    def forward(
        self, state: Float[Tensor, "*#shape hidden"], other: Float[Tensor, "*#shape size"]
    ) -> Float[Tensor, "*shape outputs"]:
        """Return the outputs, [*shape, outputs]."""
        return self.out(glu(self.state(state) + self.other(other), -1))
