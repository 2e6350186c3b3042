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

    def fitted(self, array: Shaped[Tensor, " n *shape"]) -> Transform:
        """Return this transform with what it takes from the training data, if it takes any."""
        return self

    def undone(self, x: Shaped[Tensor, " b *shape"]) -> Shaped[Tensor, " b *shape"]:
        """Return examples as they are to be shown: in the units of the data, where it has any."""
        return x

    @abstractmethod
    def __call__(self, batch: Shaped[Tensor, " b *shape"]) -> Float32[Tensor, " b *shape"]:
        """Return the batch as the model sees it, at every use."""
