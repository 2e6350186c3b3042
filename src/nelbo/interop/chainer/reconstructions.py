"""The question's three reconstruction losses, each averaged over the batch as it was written."""

from __future__ import annotations

from torch import Tensor

import nelbo.interop.chainer.functions as F


# (1/B) sum_b sum_i [ log(1 + e^a_bi) - x_bi a_bi ]
def bernoulli(x: Tensor, logits: Tensor) -> Tensor:
    """Chainer's own: Bernoulli cross-entropy in nats per example.

    `F.bernoulli_nll(x, self.decode(z, sigmoid=False)) / batchsize`

    Source: Chainer 5.0.0, examples/vae/net.py.

    Args:
        x: data in [0, 1], [batch, features].
        logits: what the decoder gives before its sigmoid, [batch, features].

    Example:
        >>> import torch
        >>> bernoulli(torch.ones(2, 3), torch.zeros(2, 3))
        tensor(2.0794)
    """
    return F.bernoulli_nll(x, logits) / len(x)


# (1/BD) sum_b sum_i (x_bi - s(a_bi))^2
def mean_squared(x: Tensor, logits: Tensor) -> Tensor:
    """Squared error per pixel, the one whose outputs all become the same image.

    `F.mean_squared_error(x, self.decode(z))`

    Source: the question's second loss.

    Args:
        x: data in [0, 1], [batch, features].
        logits: what the decoder gives before its sigmoid, [batch, features].

    Example:
        >>> import torch
        >>> mean_squared(torch.ones(2, 3), torch.zeros(2, 3))
        tensor(0.2500)
    """
    return F.mean_squared_error(x, F.sigmoid(logits))


# (1/B) sum_b sum_i (x_bi - s(a_bi))^2
def sum_squared(x: Tensor, logits: Tensor) -> Tensor:
    """Squared error per example: a Gaussian of variance 1/2, less its constant.

    `F.mean(F.sum((x - self.decode(z))**2, axis=1))`

    Source: the question's third loss.

    Args:
        x: data in [0, 1], [batch, features].
        logits: what the decoder gives before its sigmoid, [batch, features].

    Example:
        >>> import torch
        >>> sum_squared(torch.ones(2, 3), torch.zeros(2, 3))
        tensor(0.7500)
    """
    return F.mean(F.sum(F.squared_error(x, F.sigmoid(logits)), axis=1))
