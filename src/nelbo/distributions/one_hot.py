"""Masses on one-hot vectors: groups of categories, each group a 1 among zeros."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor
from torch.distributions import OneHotCategorical, register_kl
from torch.types import _size

from nelbo.distributions.base import Latents
from nelbo.distributions.simplex import Concrete
from nelbo.formulas import gradient_only

ONE_HOT = "mass on one-hot vectors"


def one_hot_vectors(categories: int) -> str:
    """Return the base measure of masses on one-hot vectors.

    Example:
        >>> one_hot_vectors(10)
        'mass on one-hot vectors of 10 categories'

    """
    return f"{ONE_HOT} of {categories} categories"


# log q(z) = sum_g sum_c z_gc log q_gc  where every group z_g is one-hot, -inf elsewhere
class OneHots(Latents):
    """Several independent categories, each as a one-hot vector, side by side.

    Args:
        logits: of the categories, [*batch, groups, categories].

    Example:
        >>> p = OneHots(torch.zeros(2, 5))
        >>> round(float(p.log_prob(p.sample())), 4)  # -2 log 5
        -3.2189

    """

    has_rsample = False

    def __init__(self, logits: Float[Tensor, "*batch groups categories"]) -> None:
        self.logits = logits.log_softmax(-1)
        event = torch.Size((math.prod(logits.shape[-2:]),))
        super().__init__(logits.shape[:-2], event, validate_args=False)

    @property
    def probabilities(self) -> Float[Tensor, "*batch groups categories"]:
        """Those of the categories."""
        return self.logits.exp()

    @property
    def mean(self) -> Tensor:
        """The probabilities q, [*batch, latent]."""
        return self.probabilities.flatten(-2)

    @property
    def variance(self) -> Tensor:
        """Of each number apart: q (1 - q)."""
        return self.mean * (1.0 - self.mean)

    @property
    def centre(self) -> Tensor:
        """The most likely one-hot vectors, where the mean is none."""
        return _hottest(self.logits).flatten(-2)

    def log_prob(self, value: Float[Tensor, "*shape latent"]) -> Tensor:
        """Return the log-mass: linear in one-hot vectors, and -inf at others."""
        z = value.unflatten(-1, self.logits.shape[-2:])
        one_hot = ((z == 0) | (z == 1)).all(-1) & (z.sum(-1) == 1)
        return torch.where(one_hot.all(-1), (z * self.logits).sum((-2, -1)), -torch.inf)

    def sample(self, sample_shape: _size = torch.Size()) -> Tensor:  # noqa: B008
        """Return draws, [*samples, *batch, groups * categories]."""
        groups = OneHotCategorical(logits=self.logits, validate_args=False)
        return groups.sample(torch.Size(sample_shape)).flatten(-2)


# forward z = one_hot(argmax_c y_c),  backward dz = dy,  y = softmax((l + Gumbel noise) / t)
class StraightThrough(OneHots):
    """One-hot vectors whose draws have the gradient of the Concrete ones that they are nearest to.

    Draws and masses are exact; gradients through the draws are biased, and `gradient_is_biased`
    says so. As t goes to 0 their variance grows, and they take the difference that a category
    makes by the trapezoidal rule: right for what is linear or quadratic in the latents.

    Source: Jang, Gu & Poole 2017, Categorical reparameterization with Gumbel-softmax, section 2.2.

    Args:
        logits: l, [*batch, groups, categories].
        temperature: t of the gradient, positive.

    Example:
        >>> z = StraightThrough(torch.zeros(3, 2, 5), 0.5).rsample()
        >>> z.unflatten(-1, (2, 5)).sum(-1)
        tensor([[1., 1.],
                [1., 1.],
                [1., 1.]])

    """

    has_rsample = True
    gradient_is_biased = True

    def __init__(
        self, logits: Float[Tensor, "*batch groups categories"], temperature: float
    ) -> None:
        super().__init__(logits)
        self.relaxation = Concrete(logits, temperature)

    def rsample(self, sample_shape: _size = torch.Size()) -> Tensor:  # noqa: B008
        """Return draws, [*samples, *batch, groups * categories]."""
        y = self.relaxation.rsample(sample_shape)
        hard = _hottest(y.detach().unflatten(-1, self.logits.shape[-2:])).flatten(-2)
        return hard + gradient_only(y)


# KL(q || p) = sum_g sum_c q_gc (log q_gc - log p_gc)
@register_kl(OneHots, OneHots)
def _kl(q: OneHots, p: OneHots) -> Tensor:
    return (q.probabilities * (q.logits - p.logits)).sum((-2, -1))


def _hottest(scores: Float[Tensor, "*shape categories"]) -> Float[Tensor, "*shape categories"]:
    """Return a 1 at the largest score of each group."""
    return F.one_hot(scores.argmax(-1), scores.shape[-1]).to(scores)
