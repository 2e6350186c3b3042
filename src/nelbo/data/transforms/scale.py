"""Pixels to [0, 1]."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import torch
from jaxtyping import Float32, Shaped
from torch import Tensor

from nelbo.data.transforms.transform import Transform
from nelbo.errors import NelboWarning
from nelbo.registry import register


@register("transform", "scale")
@dataclass(frozen=True)
class Scale(Transform):
    """Bytes to x / 255; bool becomes 0 and 1, floats stay as they are.

    Example:
        >>> Scale()(torch.tensor([[0, 255]], dtype=torch.uint8))
        tensor([[0., 1.]])
    """

    def prepare(self, array: Shaped[Tensor, " n *shape"]) -> Shaped[Tensor, " n *shape"]:
        """Return the array; warn when bytes hold no more than 0 and 1."""
        if array.dtype == torch.uint8 and array.max() == 1:
            warnings.warn(
                NelboWarning(
                    "data: bytes of 0 and 1 only, which scale turns into 0 and 1/255: "
                    "use transform='raw' to keep them."
                ),
                stacklevel=3,
            )
        return array

    def __call__(self, batch: Shaped[Tensor, " b *shape"]) -> Float32[Tensor, " b *shape"]:
        """Return the batch in float32."""
        x = batch.to(torch.float32)
        return x.div_(255) if batch.dtype == torch.uint8 else x
