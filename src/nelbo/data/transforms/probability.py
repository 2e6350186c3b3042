"""Pixels read as probabilities."""

from __future__ import annotations

from jaxtyping import Shaped
from torch import Tensor

from nelbo.data.arrays import chunks
from nelbo.data.transforms.scale import Scale
from nelbo.errors import BadValue


def check_probabilities(array: Shaped[Tensor, " n *shape"]) -> None:
    """Raise ValueError unless every value, bytes divided by 255, lies in [0, 1]."""
    Scale().prepare(array)
    if not array.is_floating_point():
        return
    for _, chunk in chunks(array):
        low, high = (value.item() for value in chunk.aminmax())
        if not 0 <= low <= high <= 1:
            raise BadValue(
                "data to binarise",
                expected="values in [0, 1]",
                got=f"{low if low < 0 else high:g}",
                fix="Rescale the array to [0, 1] first.",
            )
