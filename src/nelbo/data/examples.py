"""`Examples`: an array in memory."""

from __future__ import annotations

import copy
import hashlib
from typing import Any

from jaxtyping import Float32, Int64, Shaped
from torch import Tensor

from nelbo.data.arrays import as_labels, chunks, in_memory
from nelbo.data.indexed import Indexed
from nelbo.data.transforms import Transform, as_transform


class Examples(Indexed):
    """An array in memory, kept as it is; each batch is transformed when it is drawn.

    uint8, bool and float32 are not copied: a uint8 image stays one byte a pixel.

    Args:
        array: NumPy array or tensor, [n, *shape]; see `nelbo.data.arrays.in_memory`.
        transform: object or its text (`"static_binarise:seed=1"`); default `Scale()`.
        labels: class of each example, integers [n].

    Raises:
        TypeError: not a numeric array.
        ValueError: fewer than two axes, no example, values that are not finite or that the
            transform cannot take, labels of another length.

    Example:
        >>> import numpy as np
        >>> examples = Examples(np.array([[0, 255], [51, 102]], dtype=np.uint8), labels=[1, 0])
        >>> [batch.tolist() for batch in examples.epoch(batch=1)]
        [[[0.0, 1.0]], [[0.2..., 0.4...]]]
    """

    array: Shaped[Tensor, " n *shape"]

    def __init__(
        self, array: Any, transform: Transform | str | None = None, labels: Any = None
    ) -> None:
        held = in_memory(array)
        self.transform = as_transform(transform).fitted(held)
        self.labels = None
        self._keep(self.transform.prepare(held))
        if labels is not None:
            self.labels = as_labels(labels, len(self))

    def at(self, index: Int64[Tensor, " b"]) -> Float32[Tensor, " b *shape"]:
        """Return the transformed examples of indices 0..n-1."""
        # index_select copies: a batch never aliases the stored array.
        return self.transform(self.array.index_select(0, index.to(self.array.device)))

    def flattened(self) -> Examples:
        """Return the same examples as vectors, without a copy; nothing is drawn anew."""
        return copy.copy(self)._keep(self.array.flatten(1))

    def identity(self) -> str:
        """Return the SHA-256 of the stored array: type, shape and bytes."""
        sha256 = hashlib.sha256(f"{self.array.dtype} {list(self.array.shape)}".encode())
        for _, chunk in chunks(self.array):
            sha256.update(chunk.cpu().contiguous().numpy().data)
        return sha256.hexdigest()

    def _taken(self, index: Int64[Tensor, " b"]) -> Examples:
        return copy.copy(self)._keep(self.array.index_select(0, index.to(self.array.device)))

    def _keep(self, array: Shaped[Tensor, " n *shape"]) -> Examples:
        self.array, self.shape, self.size = array, tuple(array.shape[1:]), len(array)
        return self
