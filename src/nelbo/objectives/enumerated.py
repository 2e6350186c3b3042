"""A forward pass with every class, averaged over what the class may be."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Distribution, constraints

from nelbo.terms import Terms


# log p(x) >= sum_y q(y|x) ELBO(x|y) - KL(q(y|x) || p(y)),   p(y) = 1/C
class Enumerated(Terms):
    """`Terms` of which densities and KL are means over the classes, as q(y|x) weighs them.

    Where the class is unknown it is one more latent, and its KL part of the total: the ELBO of
    these terms bounds log p(x|y) where y is known, and log p(x) where it is not.

    Args:
        each: the pass with every class, the classes along the batch: [classes * batch].
        weights: of the classes; 0 and 1 where the class is known.
        x: data, [batch, *data_shape].
        model: what they come from.
        y: the classes, one-hot, NaN where they are unknown.
        log_q: log q(y|x), of which `weights` are the powers of e where the class is unknown.
    """

    def __init__(
        self,
        each: Terms,
        weights: Float[Tensor, "classes batch"],
        x: Tensor,
        model: Any,
        y: Float[Tensor, "batch classes"],
        log_q: Float[Tensor, "classes batch"],
    ) -> None:
        self.each, self.weights, self.log_q = each, weights, log_q
        self.known = ~y.isnan().any(-1)
        likely = weights.argmax(0)[None, None, :, None]
        z = _apart(each.z, weights)
        z = z.gather(1, likely.expand(len(z), 1, *z.shape[2:]))[:, 0]
        px, q = _Classes(each.px, weights), _Classes(each.q, weights)
        p = _Classes(each.p, weights) if each.p.batch_shape else each.p
        super().__init__(x, z, px, q, p, model, y)

    @cached_property
    def log_px(self) -> Float[Tensor, "samples batch"]:
        """Mean of log p(x|z, y) over the classes."""
        return self._mean(self.each.log_px)

    @cached_property
    def log_qz(self) -> Float[Tensor, "samples batch"]:
        """Mean of log q(z|x, y) over the classes."""
        return self._mean(self.each.log_qz)

    @cached_property
    def log_pz(self) -> Float[Tensor, "samples batch"]:
        """Mean of log p(z|y) over the classes."""
        return self._mean(self.each.log_pz)

    @cached_property
    def kl_total(self) -> Float[Tensor, " batch"]:
        """Mean of KL(q(z|x, y) || p(z|y)) over the classes, and the KL of the class itself."""
        return self._mean(self.each.kl_total[None])[0] + self.class_kl

    # KL(q(y|x) || p(y)) = log C - H(q(y|x))
    @cached_property
    def class_kl(self) -> Float[Tensor, " batch"]:
        """KL(q(y|x) || p(y)); 0 where the class is known, and nothing has to be said of it."""
        entropy = -(self.weights * self.log_q).sum(0)
        return torch.where(self.known, 0.0, math.log(len(self.weights)) - entropy)

    @property
    def log_w(self) -> Float[Tensor, "samples batch"]:
        """Log p(x, z|y) - log q(z|x, y), its mean over the classes, less the KL of the class."""
        return super().log_w - self.class_kl

    @property
    def has_density(self) -> bool:
        """Whether q(z|x, y) has one."""
        return self.each.has_density

    @property
    def is_deterministic(self) -> bool:
        """Whether every draw of q(z|x, y) is the same."""
        return self.each.is_deterministic

    @cached_property
    def _closed_kl(self) -> Tensor | None:
        if not self.each.has_closed_kl:
            return None
        return (self.weights[..., None] * self.each.kl.unflatten(0, self.weights.shape)).sum(0)

    def _mean(self, value: Float[Tensor, "samples rows"]) -> Float[Tensor, "samples batch"]:
        return (self.weights * _apart(value, self.weights)).sum(1)


class _Classes(Distribution):
    """A mixture of what the classes say of each example: its density and its moments."""

    arg_constraints: ClassVar[dict[str, constraints.Constraint]] = {}  # pyright: ignore

    def __init__(self, each: Distribution, weights: Tensor) -> None:
        self.each, self.weights = each, weights
        self._features = (1,) * len(each.event_shape)
        batch = torch.Size((*each.batch_shape[:-1], weights.shape[1]))
        super().__init__(batch, each.event_shape, validate_args=False)

    def log_prob(self, value: Tensor) -> Tensor:
        axis = value.dim() - len(self.event_shape) - 1
        value = value.expand(*value.shape[:axis], self.weights.shape[1], *self.event_shape)
        every = torch.cat([value] * len(self.weights), dim=axis)
        each = self.each.log_prob(every).unflatten(-1, self.weights.shape)
        return (each + self.weights.log()).logsumexp(-2)

    @property
    def mean(self) -> Tensor:
        return self._mean(self.each.mean)

    @property
    def variance(self) -> Tensor:
        first, second = self.each.mean, self.each.variance + self.each.mean.square()
        return self._mean(second) - self._mean(first).square()

    def _mean(self, value: Tensor) -> Tensor:
        axis = len(self.batch_shape) - 1
        w = self.weights.view(*self.weights.shape, *self._features)
        return (w * value.unflatten(axis, self.weights.shape)).sum(axis)


def _apart(value: Tensor, weights: Tensor) -> Tensor:
    """Return [samples, classes, batch, ...] of [samples, classes * batch, ...]."""
    return value.unflatten(1, weights.shape)
