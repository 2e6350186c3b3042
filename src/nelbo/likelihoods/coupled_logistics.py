"""A mixture of logistics over whole pixels, whose green and blue depend on red."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Distribution
from torch.distributions.constraints import Constraint
from torch.types import _size

from nelbo.likelihoods import rounded_logistic as logistic
from nelbo.likelihoods.levels import Levels

CHANNELS = 3
MAPS = 1 + 3 * CHANNELS  # of a component: its logit; a location, a scale and a slope a channel
MIDDLE = 0.5  # grey, at which a channel does not move the others


# p(x) = sum_k w_k P(r; m_r, s_r) P(g; m_g + a r, s_g) P(b; m_b + b r + c g, s_b), r and g
# counted from the middle                                              Salimans et al. 2017, (3)
class CoupledLogistics(Distribution):
    """Colour images [3, H, W]: each pixel is a mixture of K coupled triples of levels.

    Args:
        maps: the decoder's output, [samples, batch, 10 K, H, W]: K logits, then for each channel
            K locations, K log scales and K slopes before their tanh.
        levels: number of levels.
    """

    def __init__(self, maps: Float[Tensor, "samples batch maps *pixels"], levels: int) -> None:
        self.levels = levels
        count = maps.shape[2] // MAPS
        self.log_weights = torch.log_softmax(maps[:, :, :count].movedim(2, -1), -1)
        parts = maps[:, :, count:].unflatten(2, (3, CHANNELS, count)).movedim(4, -1)
        self.location, rho, slopes = parts.unbind(2)  # each [samples, batch, 3, *pixels, K]
        self.log_scale, self.slopes = logistic.log_scale_of(rho), torch.tanh(slopes)
        shape = maps.shape
        super().__init__(shape[:2], torch.Size((CHANNELS, *shape[3:])), validate_args=False)

    @property
    def support(self) -> Constraint:
        """The levels."""
        return Levels(self.levels)

    def _locations(self, red: Tensor, green: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the three locations [..., *pixels, K] beside these values of red and green."""
        (r, g, b), (a0, a1, a2) = self.location.unbind(2), self.slopes.unbind(2)
        red, green = red - MIDDLE, green - MIDDLE
        return r, g + a0 * red, b + a1 * red + a2 * green

    def log_prob(self, value: Tensor) -> Tensor:
        """Return nats per image, for images [..., 3, *pixels]."""
        pixels = self.log_weights.dim() - 3
        red, green, blue = value.unsqueeze(-1).unbind(-2 - pixels)
        at = self._locations(red, green)
        total = self.log_weights
        scales = self.log_scale.unbind(2)
        for x, location, log_scale in zip((red, green, blue), at, scales, strict=True):
            total = total + logistic.log_mass(x, location, log_scale, self.levels)
        return torch.logsumexp(total, -1).flatten(-pixels).sum(-1)

    def sample(self, sample_shape: _size = torch.Size()) -> Tensor:  # noqa: B008
        """Draw a component for each pixel, then red, green and blue in turn."""
        with torch.no_grad():
            shape = torch.Size(sample_shape) + self.log_weights.shape
            flat = self.log_weights.exp().expand(shape).reshape(-1, shape[-1])
            chosen = torch.multinomial(flat, 1).reshape(*shape[:-1], 1)
            one = torch.zeros(()).to(self.location)
            drawn = [one, one]
            for channel, log_scale in enumerate(self.log_scale.unbind(2)):
                location = self._locations(drawn[0], drawn[1])[channel].expand(shape)
                at = location.gather(-1, chosen), log_scale.expand(shape).gather(-1, chosen)
                drawn[channel:] = [logistic.draw(*at, self.levels)] * max(1, 2 - channel)
            return torch.stack([x[..., 0] for x in drawn], len(sample_shape) + 2)

    @property
    def mean(self) -> Tensor:
        """Of each channel, to first order in the slopes."""
        return self._mixed(self._moments()[0])

    @property
    def variance(self) -> Tensor:
        """Of each channel, to first order in the slopes."""
        mean, variance = self._moments()
        return self._mixed(variance + (mean - self._mixed(mean)[..., None]) ** 2)

    def _mixed(self, value: Tensor) -> Tensor:
        return (self.log_weights.exp().unsqueeze(2) * value).sum(-1)

    # to first order in what red and green are off their means, which is exact where no channel
    # reaches its edges: the exact sum has K^2 terms a pixel, of which each is itself one of K
    def _moments(self) -> tuple[Tensor, Tensor]:
        """Return mean and variance of each component, [samples, batch, 3, *pixels, K]."""
        scales, (_, a0, a1, a2) = self.log_scale.unbind(2), (None, *self.slopes.unbind(2))
        means: list[Tensor] = [self.location[:, :, 0]] * 2
        own: list[Tensor] = []
        for channel, log_scale in enumerate(scales):
            location = self._locations(means[0], means[1])[channel]
            means[channel:] = [logistic.mass_mean(location, log_scale, self.levels)] * max(
                1, 2 - channel
            )
            own.append(logistic.mass_variance(location, log_scale, self.levels))
        red = own[0]
        green = own[1] + a0**2 * red
        blue = own[2] + a1**2 * red + a2**2 * green + 2 * a1 * a2 * a0 * red
        return torch.stack(means, 2), torch.stack((red, green, blue), 2)
