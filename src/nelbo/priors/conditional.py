"""Gaussian prior of which mean and variance depend on the covariates."""

from __future__ import annotations

import torch
from torch import nn
from torch.distributions import Distribution, Independent, Normal

from nelbo.checks import count
from nelbo.context import Context, by_itself
from nelbo.errors import BadValue
from nelbo.perceptron import perceptron
from nelbo.priors.base import Prior
from nelbo.registry import register


# p(z|y) = N(z; m(y), diag(exp v(y))),   m and v a network of y               Sohn et al. 2015, (4)
@register("prior", "conditional")
class Conditional(Prior):
    """A diagonal Gaussian for each value of the covariates, by a small network of them.

    It begins as N(0, I) for every y. Where no covariates are given, it is that of their mean.

    Source: Sohn, Yan & Lee 2015, Learning structured output representation using deep conditional
    generative models, section 3; Khemakhem et al. 2020, Variational autoencoders and nonlinear
    ICA, equation 7.

    Args:
        hidden: sizes of the network's hidden layers; () makes mean and log-variance affine.

    Raises:
        ValueError: a size is not positive, or (when the model is built) there are no covariates.

    Example:
        >>> import nelbo
        >>> model = nelbo.VAE(data_shape=(4,), latent=2, prior=Conditional(), covariates=3)
        >>> model.marginal(torch.eye(3)).batch_shape
        torch.Size([3])

    """

    def __init__(self, hidden: tuple[int, ...] = (64,)) -> None:
        super().__init__()
        self.hidden = tuple(count("hidden", size, least=1, usual=64) for size in hidden)

    def setup(self, latent: int) -> None:
        """Take note of the number of latents."""
        self.latent = latent

    def connect(self, posterior: nn.Module, data_shape: tuple[int, ...], covariates: int) -> None:
        """Create the network of the covariates."""
        if not covariates:
            raise BadValue(
                "prior conditional",
                expected="a model with covariates, on which it depends",
                got="covariates=0",
                fix="Pass covariates=... to VAE, or --covariates on the command line.",
            )
        self.network = perceptron(covariates, self.hidden, 2 * self.latent)
        last = self.network[-1]
        assert isinstance(last, nn.Linear)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)

    def forward(self) -> Distribution:
        """Refuse: without covariates there is no such prior.

        Raises:
            ValueError: always.

        """
        raise by_itself("prior conditional", "covariates, on which it depends", "model.marginal(y)")

    def within(self, context: Context) -> Distribution:
        """Return p(z|y), of batch shape [batch], or [] at the mean covariates."""
        if context.y is None:
            return self()
        mean, logvar = self.network(context.y).chunk(2, dim=-1)
        return Independent(Normal(mean, torch.exp(0.5 * logvar), validate_args=False), 1)
