"""Arrays from anywhere, as tensors that keep their bytes where they lie."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Int64, Shaped
from torch import Tensor

from nelbo.errors import BadType, BadValue

_CHUNK = 2**22  # values at a time: no second copy of the data ever exists


def in_memory(value: Any, what: str = "data") -> Shaped[Tensor, " n *shape"]:
    """Return an array as a tensor of uint8, bool or float32, checked, copied only to convert.

    uint8, bool and float32 share the caller's memory. Other floats become float32. Other
    integers are refused: pixels would have to be divided by 255, counts must not be. NaN is a
    missing entry; whether a model takes any, its likelihood says.

    Args:
        value: NumPy array, tensor or anything with `__array__`, [n, ...].
        what: the array's name in error messages.

    Raises:
        TypeError: not a numeric array.
        ValueError: fewer than two axes, no values, infinite values, or integers that are no
            bytes.

    Example:
        >>> in_memory(np.array([[0.0, 300.0]])).dtype
        torch.float32
    """
    tensor = _tensor(value, what)
    if tensor.ndim < 2:
        raise BadValue(
            what,
            expected="shape [examples, ...] of at least two axes",
            got=f"shape {list(tensor.shape)}",
            fix="For one feature an example, use array.reshape(-1, 1).",
        )
    if tensor.numel() == 0:
        raise BadValue(
            what,
            expected="at least one example of at least one feature",
            got=f"shape {list(tensor.shape)}",
            fix="Check how the array was made.",
        )
    check_infinite(tensor, what)
    return tensor


def as_labels(labels: Any, n: int, what: str = "labels") -> Int64[Tensor, " n"]:
    """Return class numbers as an int64 tensor [n]; ValueError unless they are `n` integers.

    Example:
        >>> as_labels([3, 1], n=2)
        tensor([3, 1])
    """
    array = np.asarray(labels.cpu() if isinstance(labels, Tensor) else labels)
    if array.shape != (n,) or array.dtype.kind not in "biu":
        raise BadValue(
            what,
            expected=f"{n} integers, one for each example",
            got=f"shape {list(array.shape)} of {array.dtype}",
            fix="Pass class numbers, not one-hot rows or names.",
        )
    return torch.from_numpy(array.astype(np.int64))


def rows_at_once(shape: Sequence[int], at_most: int = 1000) -> int:
    """Return how many examples of a shape may be in memory a second time, as floats.

    Example:
        >>> rows_at_once((1, 28, 28)), rows_at_once((3, 256, 256))
        (1000, 21)
    """
    return max(1, min(at_most, _CHUNK // max(1, math.prod(shape))))


def chunks(array: Shaped[Tensor, " n *shape"]) -> Iterator[tuple[int, Tensor]]:
    """Yield (index of the first example, some examples) over the array, in order."""
    rows = rows_at_once(array.shape[1:], at_most=len(array))
    for start in range(0, len(array), rows):
        yield start, array[start : start + rows]


def check_infinite(
    array: Shaped[Tensor, " n *shape"],
    what: str,
    numbers: Int64[Tensor, " n"] | None = None,
) -> None:
    """Raise ValueError for infinite values, naming the first and how many there are.

    Args:
        array: the values.
        what: the array's name in error messages.
        numbers: by which its examples are known, where these are not 0..n-1.
    """
    if not array.is_floating_point():
        return
    first, count = "", 0
    for start, chunk in chunks(array):
        bad = chunk.isinf()
        if not bad.any():
            continue
        if not first:
            example, *feature = bad.nonzero()[0].tolist()
            value = chunk[(example, *feature)].item()
            place = feature[0] if len(feature) == 1 else tuple(feature)
            example = start + example if numbers is None else int(numbers[start + example])
            first = f"{value} in example {example}, feature {place}"
        count += int(bad.sum())
    if count:
        raise BadValue(
            what,
            expected="finite values, or NaN where they are missing",
            got=f"{first} ({count} such value{'s' * (count > 1)} in all)",
            fix="Remove those examples, or put NaN there and pass missing=True to VAE.",
        )


def _tensor(value: Any, what: str) -> Tensor:
    if isinstance(value, Tensor):
        value = value.detach()
        if value.dtype in (torch.uint8, torch.bool, torch.float32):
            return value
        if value.is_floating_point():
            return value.to(torch.float32)
        value = value.cpu().numpy()
    elif not hasattr(value, "__array__"):
        raise BadType(
            what,
            expected="a NumPy array or a tensor",
            got=type(value).__name__,
            fix="Convert it with numpy.asarray.",
        )
    return _from_numpy(np.asarray(value), what)


def _from_numpy(array: np.ndarray, what: str) -> Tensor:
    if array.dtype.kind not in "biuf":
        raise BadType(
            what,
            expected="numbers",
            got=f"dtype {array.dtype}",
            fix="Convert it with array.astype('float32').",
        )
    if array.dtype.kind in "iu" and array.dtype != np.uint8 and array.size:
        raise BadValue(
            what,
            expected="bytes or floats",
            got=f"dtype {array.dtype}, which may be pixels or counts",
            fix="Counts: array.astype('float32'); pixels in 0..255: array.astype('uint8').",
        )
    if array.dtype.kind == "f":
        with np.errstate(over="ignore"):  # what overflows is infinite, and reported as such
            array = array.astype(np.float32, copy=False)
    if any(stride < 0 for stride in array.strides):
        array = np.ascontiguousarray(array)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # read-only memory: nelbo never writes to it
        return torch.from_numpy(array)
