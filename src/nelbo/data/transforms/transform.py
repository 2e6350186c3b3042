"""The base of all transforms."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from jaxtyping import Float32, Shaped
from torch import Tensor


class Transform(ABC):
    """From stored examples (uint8, bool or float32) to the float32 that a model sees.

    Attributes:
        whole_array: whether `prepare` must see the whole data beforehand.
    """

    whole_array: ClassVar[bool] = False

    def prepare(self, array: Shaped[Tensor, " n *shape"]) -> Shaped[Tensor, " n *shape"]:
        """Return what is to be stored, once, for the whole array; ValueError if it cannot be."""
        return array

    @abstractmethod
    def __call__(self, batch: Shaped[Tensor, " b *shape"]) -> Float32[Tensor, " b *shape"]:
        """Return the batch as the model sees it, at every use."""
