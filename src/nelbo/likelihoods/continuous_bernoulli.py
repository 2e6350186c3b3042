"""Continuous Bernoulli likelihood, for data in [0, 1]."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Distribution, Independent, constraints
from torch.types import _size

from nelbo import formulas
from nelbo.likelihoods.base import HALF_LEVEL, Likelihood
from nelbo.registry import register


class _Features(Distribution):
    """The continuous Bernoulli per feature, by its natural parameter.

    torch's own clamps the parameter to [eps, 1 - eps], which flattens the density of pixels that
    are exactly 0, the greater part of MNIST.
    """

    def __init__(self, logits: Tensor) -> None:
        self.logits = logits
        super().__init__(logits.shape, validate_args=False)

    @property
    def support(self) -> constraints.Constraint:
        return constraints.unit_interval

    @property
    def mean(self) -> Tensor:
        return formulas.continuous_bernoulli_mean(self.logits)

    @property
    def variance(self) -> Tensor:
        return formulas.continuous_bernoulli_variance(self.logits)

    def log_prob(self, value: Tensor) -> Tensor:
        return formulas.continuous_bernoulli_log_prob(value, self.logits)

    # F^-1(u) = log(1 + u (e^a - 1)) / a
    def sample(self, sample_shape: _size = torch.Size()) -> Tensor:  # noqa: B008
        a = self.logits.detach().cpu().double()  # not every device knows float64
        u = torch.rand(torch.Size(sample_shape) + a.shape, dtype=a.dtype)
        down = -a.abs()  # expm1 of a negative number never overflows
        safe = torch.where(down > -1e-6, torch.full_like(down, -1e-6), down)
        x = torch.log1p(u * torch.expm1(safe)) / safe
        return torch.where(a > 0, 1.0 - x, x).clamp(0.0, 1.0).to(self.logits)


# p(x|z) = prod_d a_d e^(a_d x_d) / (e^(a_d) - 1),   a = decoder(z)
@register("likelihood", "continuous_bernoulli")
class ContinuousBernoulli(Likelihood):
    """Every feature is a number in [0, 1]; what the Bernoulli loss on grey values should be.

    The decoder's output a is the logit of the parameter lambda; `mean` is the distribution's own
    mean, not lambda.

    The density of a value that is exactly 0 or 1 has no upper bound, so that training on data with
    such atoms (most of MNIST's pixels are exactly 0) first chases them, and a network that
    saturates may die of it. `VAE.initialise` with the data's mean starts where the chase has ended.

    Source: Loaiza-Ganem & Cunningham 2019, The continuous Bernoulli: fixing a pervasive error in
    variational autoencoders, equations 5 to 8.

    Example:
        >>> px = ContinuousBernoulli()(torch.zeros(1, 3, 784))
        >>> px.log_prob(torch.rand(3, 784))
        tensor([[0., 0., 0.]])

    """

    support = constraints.unit_interval
    domain = constraints.unit_interval
    base_measure = "density on R^D"
    requirement = "values in [0, 1]"
    advice = (
        "Scale the data (the transform 'scale' divides bytes by 255), or use the likelihood "
        "'gaussian'."
    )

    def forward(self, parameters: Float[Tensor, "samples batch *event"]) -> Distribution:
        """Return p(x|z) for logits of shape [samples, batch, *data_shape]."""
        return Independent(_Features(parameters), parameters.dim() - 2, validate_args=False)

    @property
    def belief(self) -> str:
        """What this likelihood takes the data to be."""
        return "continuous Bernoulli: every feature is a number in [0, 1]"

    def output_at(self, mean: Float[Tensor, " *event"]) -> Float[Tensor, " *event"]:
        """Return the natural parameter whose mean is `mean`, by Newton's method."""
        return formulas.continuous_bernoulli_logits(mean.clamp(HALF_LEVEL, 1 - HALF_LEVEL))

    def noise_variance(self, mean: Float[Tensor, "*event"]) -> Float[Tensor, "*event"]:
        """Return the variance at the parameter whose mean is `mean`."""
        return formulas.continuous_bernoulli_variance(formulas.continuous_bernoulli_logits(mean))
