"""Values as they are."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float32, Shaped
from torch import Tensor

from nelbo.data.transforms.transform import Transform
from nelbo.registry import register


@register("transform", "raw")
@dataclass(frozen=True)
class Raw(Transform):
    """No change but float32: for counts, and for bytes that hold 0 and 1.

    Example:
        >>> Raw()(torch.tensor([[0, 255]], dtype=torch.uint8))
        tensor([[  0., 255.]])
    """

    def __call__(self, batch: Shaped[Tensor, " b *shape"]) -> Float32[Tensor, " b *shape"]:
        """Return the batch in float32."""
        return batch.to(torch.float32)
