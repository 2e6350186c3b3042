"""Unit vectors."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def unit(vectors: Float[Tensor, "*shape k"]) -> Float[Tensor, "*shape k"]:
    """Return the directions of vectors; that of 0 is the first axis.

    Example:
        >>> unit(torch.tensor([[3.0, 4.0], [0.0, 0.0]]))
        tensor([[0.6000, 0.8000],
                [1.0000, 0.0000]])

    """
    nothing = (vectors == 0).all(-1, keepdim=True)
    given = torch.where(nothing, torch.zeros_like(vectors) + _first_axis(vectors), vectors)
    scaled = given / given.detach().abs().amax(-1, keepdim=True)  # squares must not overflow
    return scaled / (scaled**2).sum(-1, keepdim=True).sqrt()


def _first_axis(like: Tensor) -> Tensor:
    return (torch.arange(like.shape[-1], device=like.device) == 0).to(like.dtype)


# H = I - 2 u u'/u'u,  u = mu + s e_1,  s = sign mu_1:  H e_1 = -s mu, and u is never short
def turned(
    parts: Float[Tensor, "*shape k"], mu: Float[Tensor, "*#shape k"]
) -> Float[Tensor, "*shape k"]:
    """Return vectors in whose frame the first axis is mu, as a reflection gives it.

    Two reflections take turns, so that both stay far from where they are not defined.

    Args:
        parts: along mu, and across it.
        mu: unit vectors.

    Example:
        >>> turned(torch.tensor([1.0, 0.0]), torch.tensor([0.6, 0.8])).round(decimals=4)
        tensor([0.6000, 0.8000])

    """
    sign = torch.where(mu[..., :1] < 0, -1.0, 1.0).to(mu.dtype)
    u = mu + sign * _first_axis(mu)
    reflected = torch.cat([-sign * parts[..., :1], parts[..., 1:]], -1)
    along = (u * reflected).sum(-1, keepdim=True) / (1.0 + sign * mu[..., :1])
    return reflected - u * along
