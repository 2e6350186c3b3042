"""Binarisation drawn anew at every use."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float32, Shaped
from torch import Tensor

from nelbo.data.transforms.probability import check_probabilities
from nelbo.data.transforms.scale import Scale
from nelbo.data.transforms.transform import Transform
from nelbo.registry import register


@register("transform", "dynamic_binarise")
@dataclass(frozen=True)
class DynamicBinarise(Transform):
    """Each pixel 1 with probability x, drawn whenever the example is used: P(b = 1) = x.

    After Y. Burda, R. Grosse and R. Salakhutdinov, "Importance weighted autoencoders",
    arXiv:1509.00519, section 5.1. The draws come from torch's global generator.

    Raises:
        ValueError: floats outside [0, 1].

    Example:
        >>> DynamicBinarise()(torch.tensor([[0, 255]], dtype=torch.uint8))
        tensor([[0., 1.]])
    """

    def prepare(self, array: Shaped[Tensor, " n *shape"]) -> Shaped[Tensor, " n *shape"]:
        """Return the array itself, checked."""
        check_probabilities(array)
        return array

    def __call__(self, batch: Shaped[Tensor, " b *shape"]) -> Float32[Tensor, " b *shape"]:
        """Return fresh draws of 0 and 1."""
        return torch.bernoulli(Scale()(batch))
