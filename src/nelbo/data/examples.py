"""`Examples`: an array in memory."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import torch
from jaxtyping import Float32, Int64, Shaped
from torch import Tensor

from nelbo.data.arrays import as_labels, in_memory
from nelbo.data.source import Source, index_batches
from nelbo.data.transforms import Transform, as_transform
from nelbo.errors import BadValue


class Examples(Source):
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
    labels: Int64[Tensor, " n"] | None

    def __init__(
        self, array: Any, transform: Transform | str | None = None, labels: Any = None
    ) -> None:
        self.transform = as_transform(transform)
        self.array = self.transform.prepare(in_memory(array))
        self.labels = None if labels is None else as_labels(labels, len(self.array))
        self.shape, self.size = tuple(self.array.shape[1:]), len(self.array)

    def epoch(
        self, batch: int, order: torch.Generator | None = None, skip: int = 0
    ) -> Iterator[Float32[Tensor, " batch *shape"]]:
        """Return an iterator over every example once; see `Source.epoch`."""
        return (self[index] for index in index_batches(len(self), batch, order, skip))

    def __getitem__(self, key: Any) -> Float32[Tensor, " *batch_and_shape"]:
        """Return the transformed examples of a slice or of indices; of an integer, one."""
        if isinstance(key, int):
            return self[[range(len(self))[key]]][0]
        # index_select copies: a batch never aliases the stored array.
        return self.transform(self.array.index_select(0, self._indices(key, self.array.device)))

    def take(self, indices: Any) -> Examples:
        """Return some of the examples, with their labels and the same transform.

        A static binarisation is not drawn anew.

        Example:
            >>> Examples(torch.arange(6.0).reshape(3, 2)).take([2, 0])[:].tolist()
            [[4.0, 5.0], [0.0, 1.0]]
        """
        part, chosen = copy.copy(self), self._indices(indices, self.array.device)
        if len(chosen) == 0:
            raise BadValue(
                "indices", expected="at least one", got="none", fix="Take more examples."
            )
        part.array, part.size = self.array.index_select(0, chosen), len(chosen)
        part.labels = None if self.labels is None else self.labels[chosen.cpu()]
        return part

    def spread(self, n: int) -> Examples:
        """Return `n` of the examples, evenly spaced, or all where there are no more.

        The first ones need not be like the rest: those of MNIST's test set are the easier half.

        Example:
            >>> Examples(torch.arange(6.0).reshape(6, 1)).spread(3)[:].flatten().tolist()
            [0.0, 2.0, 4.0]
        """
        count = min(n, len(self))
        return self.take(torch.arange(count) * len(self) // count)

    def first_of_each_class(self, n: int = 10) -> list[int]:
        """Return the index of the first example of each of the `n` lowest labels.

        Without labels these are the first `n` examples.

        Example:
            >>> Examples(torch.zeros(4, 1), labels=[2, 0, 2, 1]).first_of_each_class()
            [1, 3, 0]
        """
        if self.labels is None:
            return list(range(min(n, len(self))))
        classes = self.labels.unique(sorted=True)[:n]
        return [int((self.labels == label).nonzero()[0]) for label in classes]

    def _indices(self, key: Any, device: torch.device) -> Int64[Tensor, " b"]:
        if isinstance(key, slice):
            return torch.arange(len(self), device=device)[key]
        index = torch.as_tensor(key, device=device)
        if index.dtype == torch.bool:
            index = index.nonzero()[:, 0]
        if index.ndim != 1 or bool(((index < -len(self)) | (index >= len(self))).any()):
            raise BadValue(
                "indices",
                expected=f"a list of integers below {len(self)}",
                got=f"{key!r}"[:60],
                fix="For evenly spaced examples use spread(n), for the first n use range(n).",
            )
        return index.to(torch.int64) % len(self)
