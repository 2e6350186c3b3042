"""What Chainer's type checks ask of arguments, for torch tensors and numpy arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from nelbo.errors import BadType, BadValue

Array = Tensor | npt.NDArray[Any]


def Variable(data: Array) -> Tensor:
    """Return a numpy array as a tensor of the same dtype, so that arithmetic with tensors works.

    numpy refuses `x - y` for an array x and a tensor y; `Variable(x) - y` is the way that
    Chainer's own scripts write.

    Source: Chainer 5.0.0, chainer/variable.py.

    Args:
        data: a numpy array of floats, or a tensor, which comes back as it is.

    Raises:
        TypeError: `data` is neither, or does not hold floats.

    Example:
        >>> Variable(np.zeros(2, dtype="float32"))
        tensor([0., 0.])
    """
    return tensor("data", data)


def tensor(name: str, value: Array, beside: Tensor | None = None) -> Tensor:
    """Return `value` as a tensor of floats; an array takes the dtype and device of `beside`.

    A tensor is never converted: its dtype is the user's choice, as a Variable's is in Chainer.
    """
    if not _is_float(value):
        kind = getattr(value, "dtype", type(value).__name__)
        raise BadType(
            name,
            expected="a tensor or numpy array of floats",
            got=kind,
            fix="Convert it to float32; divide pixels of 0 to 255 by 255.",
        )
    if isinstance(value, Tensor):
        return value
    # A copy in the machine's byte order and in C order: torch takes no other.
    made = torch.from_numpy(np.array(value, dtype=value.dtype.newbyteorder("="), order="C"))
    return made if beside is None else made.to(beside)


def alike(**values: Array) -> list[Tensor]:
    """Return the named arguments as tensors of one shape and one dtype; nothing is broadcast.

    Raises:
        ValueError: two shapes differ.
        TypeError: two dtypes differ, or a value does not hold floats.
    """
    beside = next((v for v in values.values() if isinstance(v, Tensor)), None)
    tensors = {name: tensor(name, value, beside) for name, value in values.items()}
    (first, pattern), *others = tensors.items()
    for name, other in others:
        if other.shape != pattern.shape:
            raise BadValue(
                name,
                expected=f"the shape of {first}, {list(pattern.shape)}",
                got=f"{list(other.shape)}",
                fix="Nothing is broadcast here: give both the same shape.",
            )
        if other.dtype != pattern.dtype:
            raise BadType(
                name,
                expected=f"the dtype of {first}, {pattern.dtype}",
                got=other.dtype,
                fix=f"Convert it: {name}.to({pattern.dtype}).",
            )
    return list(tensors.values())


def _is_float(value: object) -> bool:
    if isinstance(value, Tensor):
        return value.dtype.is_floating_point
    return isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.dtype.itemsize <= 8
