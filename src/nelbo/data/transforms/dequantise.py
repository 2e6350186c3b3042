"""Bytes to a continuous variable."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float32, Shaped, UInt8
from torch import Tensor

from nelbo.data.transforms.transform import Transform
from nelbo.errors import BadValue
from nelbo.registry import register

_BELOW_ONE = 1 - 2**-16  # 255 + u is then exact in float32: no draw rounds into the next bin


@register("transform", "dequantise")
@dataclass(frozen=True)
class Dequantise(Transform):
    """Uniform noise within each byte's bin, drawn at every use: y = (x + u) / 256, u ~ U[0, 1).

    After L. Theis, A. van den Oord and M. Bethge, "A note on the evaluation of generative
    models", arXiv:1511.01844, section 3.1: a density on y bounds the mass on {0..255}.
    The draws come from torch's global generator.

    Raises:
        ValueError: data that is not uint8.

    Example:
        >>> y = Dequantise()(torch.tensor([[0, 255]], dtype=torch.uint8))
        >>> (y * 256).floor()
        tensor([[  0., 255.]])
    """

    def prepare(self, array: Shaped[Tensor, " n *shape"]) -> UInt8[Tensor, " n *shape"]:
        """Return the array itself, checked."""
        if array.dtype != torch.uint8:
            raise BadValue(
                "data to dequantise",
                expected="uint8",
                got=str(array.dtype).removeprefix("torch."),
                fix="Use scale for data that is continuous already.",
            )
        return array

    def __call__(self, batch: UInt8[Tensor, " b *shape"]) -> Float32[Tensor, " b *shape"]:
        """Return fresh draws in [0, 1)."""
        u = torch.rand(batch.shape, device=batch.device).clamp_(max=_BELOW_ONE)
        return u.add_(batch).div_(256)
