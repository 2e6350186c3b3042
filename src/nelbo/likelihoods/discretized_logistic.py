"""Discretised logistic likelihood, for bytes."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Distribution, Independent
from torch.distributions.constraints import Constraint
from torch.types import _size

from nelbo.likelihoods import rounded_logistic as logistic
from nelbo.likelihoods.base import Likelihood, Shape
from nelbo.likelihoods.levels import CODINGS, Levels, describe
from nelbo.likelihoods.nuisance import nuisance
from nelbo.registry import register

START = -2.0  # log scale to begin with: a seventh of the range from black to white


class _Features(Distribution):
    """A logistic per feature, rounded to a level."""

    def __init__(self, location: Tensor, log_scale: Tensor, levels: int) -> None:
        self.location, self.levels = location, levels
        self.log_scale = log_scale.expand_as(location)
        super().__init__(location.shape, validate_args=False)

    @property
    def support(self) -> Constraint:
        return Levels(self.levels)

    @property
    def mean(self) -> Tensor:
        return logistic.mass_mean(self.location, self.log_scale, self.levels)

    @property
    def variance(self) -> Tensor:
        return logistic.mass_variance(self.location, self.log_scale, self.levels)

    def log_prob(self, value: Tensor) -> Tensor:
        return logistic.log_mass(value, self.location, self.log_scale, self.levels)

    def sample(self, sample_shape: _size = torch.Size()) -> Tensor:  # noqa: B008
        shape = torch.Size(sample_shape) + self.batch_shape
        with torch.no_grad():
            location, log_scale = self.location.expand(shape), self.log_scale.expand(shape)
            return logistic.draw(location, log_scale, self.levels)


# p(x|z) = prod_d F((x_d + h - m_d) / s_d) - F((x_d - h - m_d) / s_d),   h = 1 / (2 (K - 1)),
# F the sigmoid; the lowest level has all that lies below it, the highest all above
@register("likelihood", "discretized_logistic")
class DiscretizedLogistic(Likelihood):
    """Every feature is a logistic variable of location m and scale s, rounded to a grey level.

    The distribution's own mean is not m: what lies beyond black and white is black and white.

    Source: Kingma, Salimans, Jozefowicz, Chen, Sutskever & Welling 2016, Improving variational
    inference with inverse autoregressive flow, section 4 (locations, and a scale a feature);
    Salimans, Karpathy, Chen & Kingma 2017, PixelCNN++, equation 2 (the open edges).

    Args:
        levels: K, the number of values between 0 and 1; a byte has 256.
        scale: where log s comes from: `"predicted"`: the decoder's output is then
            [samples, batch, 2, *data_shape], m and log s; or learned, `"per_feature"` or
            `"shared"`.

    Raises:
        ValueError: fewer than two levels, or another scale.

    Example:
        >>> px = DiscretizedLogistic()(torch.full((1, 3, 2, 784), 0.5))
        >>> round(px.mean[0, 0, 0].item(), 4)
        0.5

    """

    def __init__(self, levels: int = 256, scale: str = "predicted") -> None:
        super().__init__()
        self.levels, self.scale = levels, scale
        describe(self, "levels", levels, CODINGS["levels"])
        self.log_scale = nuisance("scale", scale, START)

    def setup(self, data_shape: Shape) -> None:
        """Give every feature its own scale, where each is to have one."""
        self.log_scale.setup(data_shape)

    def parameter_shape(self, data_shape: Shape) -> Shape:
        """Return (2, *data_shape), or `data_shape` where the scale is learned."""
        return self.log_scale.parameter_shape(data_shape)

    def forward(self, parameters: Float[Tensor, "samples batch *output"]) -> Distribution:
        """Return p(x|z) for locations and log scales, in units of the data."""
        location, rho = self.log_scale.split(parameters)
        features = _Features(location, logistic.log_scale_of(rho), self.levels)
        return Independent(features, location.dim() - 2, validate_args=False)

    @property
    def belief(self) -> str:
        """What this likelihood takes the data to be."""
        words = self.scale.replace("_", " ")
        return f"discretised logistic: {self.levels} grey levels, the scale {words}"

    def output_at(self, mean: Float[Tensor, " *event"]) -> Float[Tensor, " *output"]:
        """Return the location of this mean at the learned scale, or at the one to begin with."""
        rho = self.log_scale.learned
        log_scale = logistic.log_scale_of(torch.tensor(START) if rho is None else rho).to(mean)
        return self.log_scale.beside(logistic.location_at(mean, log_scale, self.levels))

    def noise_variance(self, mean: Float[Tensor, "*event"]) -> Float[Tensor, "*event"] | None:
        """Return the variance at the location of this mean, None where the scale is predicted."""
        rho = self.log_scale.learned
        if rho is None:
            return None
        log_scale = logistic.log_scale_of(rho.reshape(mean.shape) if rho.dim() else rho).to(mean)
        location = logistic.location_at(mean, log_scale, self.levels)
        return logistic.mass_variance(location, log_scale, self.levels)
