"""Chainer's losses of a VAE: sums over the whole batch in nats, to be divided by its size.

Two things are stricter than in Chainer 5.0.0: shapes must be equal, as Chainer documents, where its
code would broadcast; and integer arrays are refused, where `x` would be cast.
"""

from __future__ import annotations

from typing import Literal, overload

import torch
import torch.nn.functional as F
from torch import Tensor

from nelbo.errors import BadValue
from nelbo.formulas import gaussian_kl, gaussian_log_prob
from nelbo.interop.chainer.arrays import Array, alike


# -log B(x; s(y)) = log(1 + e^y) - x y
def bernoulli_nll(x: Array, y: Array, reduce: str = "sum") -> Tensor:
    """Negative log-likelihood of a Bernoulli with log-odds y, in nats, summed over everything.

    Source: Chainer 5.0.0, chainer/functions/loss/vae.py.

    Args:
        x: data in [0, 1], any shape.
        y: log-odds (before the sigmoid), of the shape of x.
        reduce: `"sum"` over features and batch, or `"no"` to keep every element.

    Raises:
        ValueError: the shapes differ, or another `reduce` (5.0.0 does not know `"mean"`).
        TypeError: something other than floats, or two dtypes.

    Example:
        >>> bernoulli_nll(torch.ones(2, 3), torch.zeros(2, 3))
        tensor(4.1589)
    """
    _known(reduce)
    x, y = alike(x=x, y=y)
    # in Chainer's own order of arithmetic, which rounds more than torch's
    return _reduced(F.softplus(y) - x * y, reduce)


# -log N(x; m, e^v) = 1/2 [ log 2 pi + v + (x - m)^2 e^-v ]
def gaussian_nll(x: Array, mean: Array, ln_var: Array, reduce: str = "sum") -> Tensor:
    """Negative log-likelihood of a Gaussian, in nats, summed over everything.

    Source: Chainer 5.0.0, chainer/functions/loss/vae.py.

    Args:
        x: data, any shape.
        mean: means, of the shape of x.
        ln_var: logarithms of the variances, of the shape of x.
        reduce: `"sum"` over features and batch, or `"no"` to keep every element.

    Raises:
        ValueError: the shapes differ, or another `reduce`.
        TypeError: something other than floats, or two dtypes.

    Example:
        >>> gaussian_nll(torch.ones(2), torch.ones(2), torch.zeros(2))
        tensor(1.8379)
    """
    _known(reduce)
    x, mean, ln_var = alike(x=x, mean=mean, ln_var=ln_var)
    return _reduced(-gaussian_log_prob(x, mean, ln_var), reduce)


# KL(N(m, e^v) || N(0, 1)) = 1/2 (m^2 + e^v - v - 1)
def gaussian_kl_divergence(mean: Array, ln_var: Array, reduce: str = "sum") -> Tensor:
    """Kullback-Leibler divergence of a Gaussian from the standard one, in nats, summed.

    Source: Chainer 5.0.0, chainer/functions/loss/vae.py.

    Args:
        mean: means, any shape.
        ln_var: logarithms of the variances, of the shape of mean.
        reduce: `"sum"` over latents and batch, or `"no"` to keep every element.

    Raises:
        ValueError: the shapes differ, or another `reduce`.
        TypeError: something other than floats, or two dtypes.

    Example:
        >>> gaussian_kl_divergence(torch.tensor([0.0, 2.0]), torch.zeros(2))
        tensor(2.)
    """
    _known(reduce)
    mean, ln_var = alike(mean=mean, ln_var=ln_var)
    return _reduced(gaussian_kl(mean, ln_var), reduce)


@overload
def gaussian(
    mean: Array, ln_var: Array, *, eps: Array | None = ..., return_eps: Literal[False] = ...
) -> Tensor: ...
@overload
def gaussian(
    mean: Array, ln_var: Array, *, eps: Array | None = ..., return_eps: Literal[True]
) -> tuple[Tensor, Tensor]: ...
# z = m + e^(v/2) eps,  eps ~ N(0, 1)
def gaussian(
    mean: Array, ln_var: Array, *, eps: Array | None = None, return_eps: bool = False
) -> Tensor | tuple[Tensor, Tensor]:
    """Draw from a Gaussian so that gradients reach its mean and variance.

    Source: Chainer 5.0.0, chainer/functions/noise/gaussian.py.

    Args:
        mean: means, any shape.
        ln_var: logarithms of the variances, of the shape of mean.
        eps: standard normal noise of that shape; None draws it from torch's generator.
        return_eps: whether to return `(sample, eps)`.

    Raises:
        ValueError: the shapes differ.
        TypeError: something other than floats, or two dtypes.

    Example:
        >>> gaussian(torch.ones(2), torch.zeros(2), eps=torch.tensor([0.0, 2.0]))
        tensor([1., 3.])
    """
    mean, ln_var = alike(mean=mean, ln_var=ln_var)
    noise = torch.randn_like(ln_var) if eps is None else alike(ln_var=ln_var, eps=eps)[1]
    sample = mean + torch.exp(0.5 * ln_var) * noise
    return (sample, noise) if return_eps else sample


def _known(reduce: str) -> None:
    if reduce not in ("sum", "no"):
        raise BadValue(
            "reduce",
            expected="'sum' or 'no'",
            got=repr(reduce),
            fix="For nats per example divide the sum by the batch size.",
        )


def _reduced(loss: Tensor, reduce: str) -> Tensor:
    return loss.sum() if reduce == "sum" else loss
