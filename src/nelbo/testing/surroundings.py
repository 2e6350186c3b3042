"""A small model around a prior, for those that ask for one."""

from __future__ import annotations

import copy
import math

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent, Normal

from nelbo.context import Context
from nelbo.distributions.codes import CODES
from nelbo.posteriors import FSQ, Diagonal
from nelbo.priors import Prior

FEATURES = 4


def surrounded(prior: Prior, latent: int) -> tuple[Prior, Context]:
    """Return a copy of a prior, set up in float64 and evaluation mode, and the model around it.

    The model's examples have four features, and its encoder is linear: the outputs of the diagonal
    posterior are x W, with W[i, j] = cos(2 latent i + j). Latents that are codes have three each.

    Args:
        prior: before `setup`.
        latent: number of latent dimensions.

    Example:
        >>> import nelbo
        >>> prior, context = surrounded(nelbo.priors.Vamp(components=5), latent=2)
        >>> prior.within(context).sample().shape
        torch.Size([2])

    """
    subject = copy.deepcopy(prior)
    posterior = FSQ(levels=(3,)) if prior.base_measure == CODES else Diagonal()
    posterior.setup(latent)
    posterior.double()
    shape = posterior.parameter_shape(latent)
    subject.setup(latent)
    subject.connect(posterior, (FEATURES,), 0)
    subject = subject.double().eval()
    weight = torch.arange(FEATURES * math.prod(shape), dtype=torch.float64).cos()

    def encode(x: Tensor) -> Distribution:
        return posterior((x @ weight.view(FEATURES, -1)).unflatten(-1, shape))

    def decode(z: Tensor) -> Distribution:
        return Independent(Normal(z[..., :1], 1.0), 1)

    context = Context(None, None, encode, decode, lambda: subject.within(context))
    return subject, context
