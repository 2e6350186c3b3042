"""What datasets, loaders and files give, as float32 tensors of one shape."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from jaxtyping import Float32, Shaped
from torch import Tensor

from nelbo import registry
from nelbo.data.arrays import in_memory
from nelbo.data.transforms import DynamicBinarise, Transform
from nelbo.errors import BadType, BadValue


def x_of(item: Any, what: str) -> Shaped[Tensor, " *shape"]:
    """Return x of an item: a tensor or array, or a tuple or list whose first element is x.

    Integers other than uint8 are refused: whether they are pixels or counts is not to be seen
    from one batch.

    Example:
        >>> x_of((torch.ones(2), 7), "item")
        tensor([1., 1.])
    """
    x = item[0] if isinstance(item, tuple | list) and len(item) else item
    if not isinstance(x, Tensor | np.ndarray):
        raise BadType(
            what,
            expected="a tensor, or a tuple whose first element is one",
            got=type(x).__name__,
            fix="Let the dataset return tensors (for PIL images: ToTensor).",
        )
    x = x if isinstance(x, Tensor) else torch.as_tensor(x)
    if not (x.is_floating_point() or x.dtype in (torch.uint8, torch.bool)):
        raise BadValue(
            what,
            expected="uint8, bool or floats",
            got=f"dtype {str(x.dtype)[6:]}",
            fix="Cast images to uint8, counts to float32.",
        )
    return x


def stored(
    batch: Shaped[Tensor, " b *shape"], shape: tuple[int, ...], what: str
) -> Shaped[Tensor, " b *shape"]:
    """Return the batch as uint8, bool or float32, after a check of its shape and values."""
    if tuple(batch.shape[1:]) != shape:
        raise BadValue(
            what,
            expected=f"examples of shape {list(shape)}, as in the first",
            got=f"shape {list(batch.shape[1:])}",
            fix="Resize or crop every example to one shape.",
        )
    return in_memory(batch, what)


def shown(batch: Shaped[Tensor, " b *shape"], transform: Transform) -> Float32[Tensor, " b *shape"]:
    """Return a stored batch as a model sees it; no rows stay no rows.

    Example:
        >>> from nelbo.data.transforms import Scale
        >>> shown(torch.zeros(0, 3, dtype=torch.uint8), Scale()).shape
        torch.Size([0, 3])
    """
    return transform(transform.prepare(batch)) if len(batch) else batch.to(torch.float32)


def check_stream(transform: Transform) -> None:
    """Raise ValueError for a transform that needs the whole array beforehand."""
    if transform.whole_array:
        other = registry.text(registry.spec(DynamicBinarise()))
        raise BadValue(
            "transform",
            expected="one that works batch by batch",
            got=type(transform).__name__,
            fix=f"Use {other}, or pass the data as one array.",
        )
