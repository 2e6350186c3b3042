"""Chainer's errors between two arrays: two averages over every element, and one of no reduction."""

from __future__ import annotations

import torch
from torch import Tensor

from nelbo.interop.chainer.arrays import Array, alike


# (1/N) sum_i (x0_i - x1_i)^2,  N = batch x features
def mean_squared_error(x0: Array, x1: Array) -> Tensor:
    """Squared error, averaged over every element: batch and features.

    For 784 pixels it is 784 times smaller than the squared error per image. Beside a KL in nats
    per example it stands for a Gaussian of variance 392, hence for a posterior that collapses.

    Source: Chainer 5.0.0, chainer/functions/loss/mean_squared_error.py.

    Args:
        x0: one array, any shape.
        x1: the other, of the shape of x0.

    Raises:
        ValueError: the shapes differ.
        TypeError: something other than floats, or two dtypes.

    Example:
        >>> mean_squared_error(torch.zeros(2, 3), torch.full((2, 3), 2.0))
        tensor(4.)
    """
    return squared_error(x0, x1).mean()


# (1/N) sum_i |x0_i - x1_i|,  N = batch x features
def mean_absolute_error(x0: Array, x1: Array) -> Tensor:
    """Absolute error, averaged over every element: batch and features.

    Source: Chainer 5.0.0, chainer/functions/loss/mean_absolute_error.py.

    Args:
        x0: one array, any shape.
        x1: the other, of the shape of x0.

    Raises:
        ValueError: the shapes differ.
        TypeError: something other than floats, or two dtypes.

    Example:
        >>> mean_absolute_error(torch.zeros(2, 3), torch.full((2, 3), -2.0))
        tensor(2.)
    """
    x0, x1 = alike(x0=x0, x1=x1)
    return torch.abs(x0 - x1).mean()


# (x0_i - x1_i)^2
def squared_error(x0: Array, x1: Array) -> Tensor:
    """Squared error of every element, nothing summed.

    Source: Chainer 5.0.0, chainer/functions/loss/squared_error.py.

    Args:
        x0: one array, any shape.
        x1: the other, of the shape of x0.

    Raises:
        ValueError: the shapes differ.
        TypeError: something other than floats, or two dtypes.

    Example:
        >>> squared_error(torch.zeros(2), torch.tensor([1.0, 3.0]))
        tensor([1., 9.])
    """
    x0, x1 = alike(x0=x0, x1=x1)
    return (x0 - x1) ** 2
