"""`chainer.functions` of a VAE on torch tensors: `import nelbo.interop.chainer.functions as F`."""

from __future__ import annotations

import torch
from torch import Tensor

from nelbo.errors import BadValue
from nelbo.interop.chainer.arrays import Array, tensor
from nelbo.interop.chainer.differences import (
    mean_absolute_error,
    mean_squared_error,
    squared_error,
)
from nelbo.interop.chainer.likelihoods import (
    bernoulli_nll,
    gaussian,
    gaussian_kl_divergence,
    gaussian_nll,
)

__all__ = [
    "bernoulli_nll",
    "exp",
    "gaussian",
    "gaussian_kl_divergence",
    "gaussian_nll",
    "mean",
    "mean_absolute_error",
    "mean_squared_error",
    "relu",
    "sigmoid",
    "softplus",
    "squared_error",
    "sum",
    "tanh",
]

Axis = int | tuple[int, ...] | None


def sum(x: Array, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Sum over some axes, or over all where `axis` is None.

    Source: Chainer 5.0.0, chainer/functions/math/sum.py.

    Args:
        x: what to sum, any shape.
        axis: the axis or axes to sum over.
        keepdims: whether these axes stay, with length one.

    Raises:
        ValueError: an axis that x does not have, or one named twice.
        TypeError: x does not hold floats.

    Example:
        >>> sum(torch.ones(2, 3), axis=1)
        tensor([3., 3.])
    """
    x = tensor("x", x)
    axes = _axes(x, axis)
    return torch.sum(x, dim=axes, keepdim=keepdims) if axes else x


def mean(x: Array, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Mean over some axes, or over all where `axis` is None.

    Source: Chainer 5.0.0, chainer/functions/math/average.py (without its `weights`).

    Args:
        x: what to average, any shape.
        axis: the axis or axes to average over.
        keepdims: whether these axes stay, with length one.

    Raises:
        ValueError: an axis that x does not have, or one named twice.
        TypeError: x does not hold floats.

    Example:
        >>> mean(sum(torch.ones(2, 3), axis=1))
        tensor(3.)
    """
    x = tensor("x", x)
    axes = _axes(x, axis)
    return torch.mean(x, dim=axes, keepdim=keepdims) if axes else x


def tanh(x: Array) -> Tensor:
    """Hyperbolic tangent of every element.

    Example:
        >>> tanh(torch.zeros(1))
        tensor([0.])
    """
    return torch.tanh(tensor("x", x))


def sigmoid(x: Array) -> Tensor:
    """Logistic function 1 / (1 + e^-x) of every element.

    Example:
        >>> sigmoid(torch.zeros(1))
        tensor([0.5000])
    """
    return torch.sigmoid(tensor("x", x))


def relu(x: Array) -> Tensor:
    """max(x, 0) of every element.

    Example:
        >>> relu(torch.tensor([-1.0, 2.0]))
        tensor([0., 2.])
    """
    return torch.relu(tensor("x", x))


def softplus(x: Array) -> Tensor:
    """log(1 + e^x) of every element.

    Example:
        >>> softplus(torch.zeros(1))
        tensor([0.6931])
    """
    return torch.nn.functional.softplus(tensor("x", x))


def exp(x: Array) -> Tensor:
    """e^x of every element.

    Example:
        >>> exp(torch.zeros(1))
        tensor([1.])
    """
    return torch.exp(tensor("x", x))


def _axes(x: Tensor, axis: Axis) -> tuple[int, ...]:
    named = (axis,) if isinstance(axis, int) else tuple(range(x.ndim)) if axis is None else axis
    axes = tuple(a + x.ndim if a < 0 else a for a in named)
    if len(set(axes)) < len(axes) or not set(axes) <= set(range(x.ndim)):
        raise BadValue(
            "axis",
            expected=f"different axes of an array with {x.ndim}",
            got=axis,
            fix="Axes are counted from 0.",
        )
    return axes
