"""Convolutional network, for images and series."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from nelbo.networks.spatial import Spatial
from nelbo.registry import register


@register("network", "conv")
@dataclass(frozen=True)
class Conv(Spatial):
    """Strided convolutions, and transposed ones back; nothing couples examples.

    Kernels of 4 and strides of 2, as Radford, Metz & Chintala 2016 (DCGAN) replaced pooling; a
    kernel that is a multiple of the stride leaves no checkerboard (Odena, Dumoulin & Olah 2016).

    Args:
        channels: of each level of the encoder, the finest first; each halves the size.
        hidden: sizes of the fully connected layers between the levels and the latents.
        activation: name of an activation of `torch.nn`, in any case.
        dimensions: spatial ones of an example, its last: 2 for [C, H, W], 1 for [C, L].

    Raises:
        ValueError: an example of fewer dimensions, or too small for so many levels.

    Example:
        >>> import torch
        >>> decoder = Conv(channels=(32, 64)).make_decoder(20, (3, 28, 21))
        >>> decoder(torch.zeros(4, 20)).shape
        torch.Size([4, 3, 28, 21])

    """

    def level(self, channels: int) -> nn.Module:
        """Return the activation."""
        return self._activation()
