"""A small model around a prior or a posterior, for those that ask for one."""

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

FEATURES, COVARIATES = 4, 2


def surrounded(prior: Prior, latent: int) -> tuple[Prior, Context]:
    """Return a copy of a prior, set up in float64 and evaluation mode, and the model around it.

    The model's examples have four features and two covariates, which are 1 and -1, and its encoder
    is linear: the outputs of the diagonal posterior are x W, with W[i, j] = cos(2 latent i + j).
    Latents that are codes have three each.

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
    subject.connect(posterior, (FEATURES,), COVARIATES)
    subject = subject.double().eval()
    weight = torch.arange(FEATURES * math.prod(shape), dtype=torch.float64).cos()

    def encode(x: Tensor) -> Distribution:
        return posterior((x @ weight.view(FEATURES, -1)).unflatten(-1, shape))

    def decode(z: Tensor) -> Distribution:
        return Independent(Normal(z[..., :1], 1.0), 1)

    y = torch.tensor([1.0, -1.0], dtype=torch.float64)
    context = Context(None, y, encode, decode, lambda: subject.within(context))
    return subject, context


# p(z) = N(0, I),  p(x|z) = N(W z, I),  W[i, j] = cos(4 j + i)
def linear_model(batch: int, latent: int) -> Context:
    """Return a model whose evidence is known, in float64, around examples of four features.

    Args:
        batch: number of examples; x[n, i] = sin(4 n + i).
        latent: number of latent dimensions.

    Example:
        >>> context = linear_model(batch=5, latent=2)
        >>> context.decode(torch.zeros(3, 5, 2).double()).log_prob(context.x).shape
        torch.Size([3, 5])

    """
    x = torch.arange(batch * FEATURES, dtype=torch.float64).sin().view(batch, FEATURES)
    weight = torch.arange(latent * FEATURES, dtype=torch.float64).cos().view(latent, FEATURES)
    p = Independent(Normal(torch.zeros(latent, dtype=torch.float64), 1.0), 1)

    def decode(z: Tensor) -> Distribution:
        return Independent(Normal(z @ weight, 1.0), 1)

    return Context(x, None, lambda _: p, decode, lambda: p)
