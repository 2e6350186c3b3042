"""A point: what an encoder without noise makes of an example."""

from __future__ import annotations

from typing import NoReturn

import torch
from jaxtyping import Float
from torch import Tensor
from torch.types import _size

from nelbo.distributions.base import Latents
from nelbo.errors import BadValue


# z = m with probability 1: there is no density on R^K, and neither a KL nor an ELBO
class Point(Latents):
    """All the mass at one point.

    Args:
        at: the point, [*batch, K].

    Example:
        >>> q = Point(torch.ones(3, 2))
        >>> q.rsample(torch.Size((4,))).shape, q.has_density
        (torch.Size([4, 3, 2]), False)

    """

    has_density = False
    is_deterministic = True

    def __init__(self, at: Float[Tensor, "*batch k"]) -> None:
        self.at = at
        super().__init__(at.shape[:-1], at.shape[-1:], validate_args=False)

    def rsample(self, sample_shape: _size = torch.Size()) -> Tensor:  # noqa: B008
        """Return the point, [*samples, *batch, K]."""
        return self.at.expand(*sample_shape, *self.at.shape)

    def log_prob(self, value: Tensor) -> NoReturn:
        """Refuse: there is none."""
        raise BadValue(
            "log q(z|x)",
            expected="a posterior with a density",
            got="a point, which has none on R^K",
            fix="Take the posterior 'diagonal', or an objective that needs no KL.",
        )

    @property
    def mean(self) -> Tensor:
        """Return the point."""
        return self.at

    @property
    def variance(self) -> Tensor:
        """Return 0."""
        return torch.zeros_like(self.at)
