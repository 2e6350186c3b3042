"""Mixture of discretised logistics, for bytes."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Categorical, Distribution, Independent
from torch.distributions.constraints import Constraint
from torch.types import _size

from nelbo.errors import BadValue
from nelbo.likelihoods import rounded_logistic as logistic
from nelbo.likelihoods.base import Likelihood, Shape
from nelbo.likelihoods.coupled_logistics import CHANNELS, MAPS, CoupledLogistics
from nelbo.likelihoods.levels import CODINGS, Levels, describe
from nelbo.registry import register

APART = 3.0  # factor e^3 between the scales that the components begin with
START = -3.5  # the smallest of these


class _Features(Distribution):
    """A mixture of rounded logistics per feature; components lie along a last axis."""

    def __init__(self, logits: Tensor, location: Tensor, rho: Tensor, levels: int) -> None:
        self.log_weights, self.location = torch.log_softmax(logits, -1), location
        self.log_scale, self.levels = logistic.log_scale_of(rho), levels
        super().__init__(location.shape[:-1], validate_args=False)

    @property
    def support(self) -> Constraint:
        return Levels(self.levels)

    @property
    def _means(self) -> Tensor:
        return logistic.mass_mean(self.location, self.log_scale, self.levels)

    @property
    def mean(self) -> Tensor:
        return (self.log_weights.exp() * self._means).sum(-1)

    @property
    def variance(self) -> Tensor:
        within = logistic.mass_variance(self.location, self.log_scale, self.levels)
        between = (self._means - self.mean[..., None]) ** 2
        return (self.log_weights.exp() * (within + between)).sum(-1)

    def log_prob(self, value: Tensor) -> Tensor:
        at = value[..., None], self.location, self.log_scale
        return torch.logsumexp(self.log_weights + logistic.log_mass(*at, self.levels), -1)

    def sample(self, sample_shape: _size = torch.Size()) -> Tensor:  # noqa: B008
        with torch.no_grad():
            weights = Categorical(logits=self.log_weights, validate_args=False)
            chosen = weights.sample(torch.Size(sample_shape))[..., None]
            shape = (*chosen.shape[:-1], self.location.shape[-1])
            location = self.location.expand(shape).gather(-1, chosen)[..., 0]
            log_scale = self.log_scale.expand(shape).gather(-1, chosen)[..., 0]
            return logistic.draw(location, log_scale, self.levels)


# p(x|z) = prod_d sum_k w_dk [F((x_d + h - m_dk) / s_dk) - F((x_d - h - m_dk) / s_dk)]
@register("likelihood", "discretized_logistic_mixture")
class DiscretizedLogisticMixture(Likelihood):
    """Every feature is a mixture of K logistics, rounded to a grey level.

    The decoder's output is [samples, batch, 3 K, *data_shape]: K logits of the weights, K
    locations and K log scales. Of colour images, data_shape (3, H, W), whole pixels are mixed and
    green and blue move with red, linearly: [samples, batch, 10 K, H, W], K logits, then for each
    of the channels K locations, K log scales and K slopes; their mean is exact where no channel
    reaches black or white, and elsewhere to first order.

    Source: Salimans, Karpathy, Chen & Kingma 2017, PixelCNN++, equations 1 to 3.

    Args:
        components: K, the number of logistics.
        levels: the number of values between 0 and 1; a byte has 256.

    Raises:
        ValueError: no component, or fewer than two levels.

    Example:
        >>> DiscretizedLogisticMixture(components=5).parameter_shape((3, 32, 32))
        (50, 32, 32)

    """

    def __init__(self, components: int = 10, levels: int = 256) -> None:
        super().__init__()
        if not isinstance(components, int) or components < 1:
            raise BadValue(
                "components", expected="a positive integer", got=components, fix="Try 10."
            )
        self.components, self.levels = components, levels
        describe(self, "levels", levels, CODINGS["levels"])

    def parameter_shape(self, data_shape: Shape) -> Shape:
        """Return (3 K, *data_shape), of colour images (10 K, H, W)."""
        if _coloured(data_shape):
            return (MAPS * self.components, *data_shape[1:])
        return (3 * self.components, *data_shape)

    def forward(self, parameters: Float[Tensor, "samples batch maps *event"]) -> Distribution:
        """Return p(x|z) for a decoder's output of shape [samples, batch, *parameter_shape]."""
        if parameters.shape[2] == MAPS * self.components:
            return CoupledLogistics(parameters, self.levels)
        parts = parameters.unflatten(2, (3, self.components)).movedim(3, -1)
        logits, location, rho = parts.unbind(2)
        features = _Features(logits, location, rho, self.levels)
        return Independent(features, parameters.dim() - 3, validate_args=False)

    @property
    def belief(self) -> str:
        """What this likelihood takes the data to be."""
        return f"mixture of {self.components} discretised logistics: {self.levels} grey levels"

    def output_at(self, mean: Float[Tensor, " *event"]) -> Float[Tensor, " *output"]:
        """Return components that all have this mean, and differ in their scales."""
        rho = START + torch.linspace(0, APART, self.components).to(mean)
        rho = rho.reshape(-1, *(1,) * mean.dim()).expand(-1, *mean.shape)
        location = logistic.location_at(
            mean.expand_as(rho), logistic.log_scale_of(rho), self.levels
        )
        if not _coloured(tuple(mean.shape)):
            return torch.cat((torch.zeros_like(rho), location, rho))
        logits = torch.zeros_like(rho[:, 0])
        maps = [part.transpose(0, 1).flatten(0, 1) for part in (location, rho)]
        return torch.cat((logits, *maps, torch.zeros_like(maps[0])))


def _coloured(data_shape: Shape) -> bool:
    return len(data_shape) == CHANNELS and data_shape[0] == CHANNELS
