"""Binarisation drawn once."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float32, Shaped, UInt8
from torch import Tensor

from nelbo.data.arrays import chunks
from nelbo.data.transforms.probability import check_probabilities
from nelbo.data.transforms.scale import Scale
from nelbo.data.transforms.transform import Transform
from nelbo.registry import register
from nelbo.rng import generator


@register("transform", "static_binarise")
@dataclass(frozen=True)
class StaticBinarise(Transform):
    """Each pixel 1 with probability x, drawn once for the whole data: P(b = 1) = x.

    The data are then fixed, as in R. Salakhutdinov and I. Murray, "On the quantitative analysis
    of deep belief networks", ICML 2008, section 5. The stream depends on the seed and on the
    array's own bytes, so that a training and a test set are drawn from different streams.

    Args:
        seed: of the draws.

    Raises:
        ValueError: floats outside [0, 1].

    Example:
        >>> StaticBinarise(seed=0).prepare(torch.tensor([[0.0, 1.0]]))
        tensor([[0, 1]], dtype=torch.uint8)
    """

    seed: int = 0
    whole_array: ClassVar[bool] = True

    def prepare(self, array: Shaped[Tensor, " n *shape"]) -> UInt8[Tensor, " n *shape"]:
        """Return the bits drawn, 0 and 1, a byte each."""
        check_probabilities(array)
        stream, scale = generator(self.seed, _content(array)), Scale()
        bits = torch.empty(array.shape, dtype=torch.uint8, device=array.device)
        for start, chunk in chunks(array):
            u = torch.rand(chunk.shape, generator=stream).to(chunk.device)
            bits[start : start + len(chunk)] = u < scale(chunk)
        return bits

    def __call__(self, batch: Shaped[Tensor, " b *shape"]) -> Float32[Tensor, " b *shape"]:
        """Return the bits in float32."""
        return batch.to(torch.float32)


def _content(array: Shaped[Tensor, " n *shape"]) -> int:
    crc = 0
    for _, chunk in chunks(array):
        crc = zlib.crc32(chunk.cpu().contiguous().numpy().data, crc)
    return crc
