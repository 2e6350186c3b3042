"""What an autoregressive network reads of the values before: numbers, or which of K tokens."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Distribution, Independent

from nelbo.likelihoods.base import Likelihood
from nelbo.likelihoods.categorical import Categorical


class Reading(ABC):
    """Values as numbers along a new axis, the second; zeros are what has not been seen.

    Attributes:
        width: how many numbers a value is.
    """

    width: int

    @abstractmethod
    def __call__(self, x: Float[Tensor, " n *event"]) -> Float[Tensor, " n width *event"]:
        """Return what a network reads of these values."""

    @abstractmethod
    def expected(self, px: Distribution) -> Float[Tensor, " n width *event"]:
        """Return the mean of what it reads of draws of p, whose batch shape is [1, n]."""


class Numbers(Reading):
    """The value, and a one: a value of 0 is not the same as none.

    Example:
        >>> Numbers()(torch.tensor([[0.0, 0.5]])).tolist()
        [[[0.0, 0.5], [1.0, 1.0]]]

    """

    width = 2

    def __call__(self, x: Float[Tensor, " n *event"]) -> Float[Tensor, " n width *event"]:
        """Return the values beside ones."""
        return torch.stack((x, torch.ones_like(x)), 1)

    def expected(self, px: Distribution) -> Float[Tensor, " n width *event"]:
        """Return the means beside ones."""
        return self(px.mean[0])


class OneHot(Reading):
    """A one in the place of the token.

    Args:
        tokens: how many there are, K.

    Example:
        >>> OneHot(3)(torch.tensor([[2.0]])).tolist()
        [[[0.0], [0.0], [1.0]]]

    """

    def __init__(self, tokens: int) -> None:
        self.width = tokens

    def __call__(self, x: Float[Tensor, " n *event"]) -> Float[Tensor, " n width *event"]:
        """Return one-hot vectors."""
        every = torch.arange(self.width, device=x.device).reshape(-1, *(1,) * (x.dim() - 1))
        return (x.round()[:, None] == every).to(x)

    def expected(self, px: Distribution) -> Float[Tensor, " n width *event"]:
        """Return the probabilities."""
        assert isinstance(px, Independent)
        return px.base_dist.probs[0].movedim(-1, 1)


def reading(of: Likelihood) -> Reading:
    """Return how the values of a likelihood are read: the order of tokens means nothing."""
    if isinstance(of, Categorical) and of.coding == "tokens":
        return OneHot(of.categories)
    return Numbers()
