"""A second VAE, over the latents of the first, as a prior."""

from __future__ import annotations

from functools import cached_property
from typing import ClassVar

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn
from torch.distributions import Distribution, constraints
from torch.types import _size

from nelbo.checks import count
from nelbo.distributions.flow import standard_points
from nelbo.formulas import gaussian_log_prob
from nelbo.priors.base import Prior
from nelbo.registry import register


# p(z) = int N(z; g(u), diag(s^2)) N(u; 0, I) du,   q(u|z) = N(m(z), diag(v(z)))
# log p(z) >= E_q [ log N(z; g(u), diag(s^2)) + log N(u; 0, I) - log q(u|z) ]
@register("prior", "two_stage")
class TwoStage(Prior):
    """A VAE of the latents themselves: it draws exactly, and bounds its density from below.

    Its `log_prob` is the second VAE's ELBO with one draw of u, so that the ELBO of the whole model
    is a lower bound still. The draw's exponential has the mean p(z), for which reason the
    importance-weighted bound stays one, too. `nelbo.fit_prior` makes the two stages of the source;
    it begins as N(0, I), or there at a Gaussian with the latents' means and variances.

    Source: Dai & Wipf 2019, Diagnosing and enhancing VAE models, section 4, where u has as many
    dimensions as z; s, one for each latent, is learned.

    Args:
        hidden: units in each of the two hidden layers of both networks, at least 1.

    Raises:
        ValueError: no hidden units.

    Example:
        >>> prior = TwoStage(hidden=64)
        >>> prior.setup(latent=20)
        >>> prior().sample().shape
        torch.Size([20])
        >>> prior().is_lower_bound
        True

    """

    points: Tensor
    centre: Tensor
    scale: Tensor

    def __init__(self, hidden: int = 256) -> None:
        super().__init__()
        self.hidden = count("hidden", hidden, least=1, usual=256)

    def setup(self, latent: int) -> None:
        """Create both networks."""
        self.register_buffer("points", standard_points(latent), persistent=False)
        self.register_buffer("centre", torch.zeros(latent))
        self.register_buffer("scale", torch.ones(latent))
        self.encoder = _Skipping(latent, self.hidden, 2 * latent)
        self.decoder = _Skipping(latent, self.hidden, latent)
        self.logvar = nn.Parameter(torch.zeros(latent))

    @torch.no_grad()
    def start(self, x: Tensor, z: Float[Tensor, "m latent"]) -> None:
        """Give the latents the mean 0 and the variance 1, as both networks see them."""
        self.centre.copy_(z.mean(0))
        self.scale.copy_(z.std(0, correction=0).clamp_min(1e-6))

    def forward(self) -> Distribution:
        """Return p(z)."""
        return _Second(self)


class _Skipping(nn.Module):
    """Two hidden layers, and the input again beside what they find; it puts out 0 to begin with."""

    def __init__(self, inputs: int, hidden: int, outputs: int) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(inputs, hidden), nn.Linear(hidden, hidden)
        self.last = nn.Linear(hidden + inputs, outputs)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, value: Tensor) -> Tensor:
        found = F.silu(self.second(F.silu(self.first(value))))
        return self.last(torch.cat((found, value), dim=-1))


class _Second(Distribution):
    """p(z) of a second VAE, whose latents u are drawn for each density."""

    arg_constraints: ClassVar[dict[str, constraints.Constraint]] = {}  # pyright: ignore
    support = constraints.real_vector  # pyright: ignore
    is_lower_bound = True
    moments_are_estimated = True

    def __init__(self, vae: TwoStage) -> None:
        super().__init__(torch.Size(), vae.centre.shape, validate_args=False)
        self.vae = vae

    def log_prob(self, value: Tensor) -> Tensor:
        """Return log p(z|u) + log p(u) - log q(u|z), u drawn from q(u|z): in the mean, a bound."""
        vae = self.vae
        z = (value - vae.centre) / vae.scale
        mean, logvar = vae.encoder(z).chunk(2, dim=-1)
        noise = torch.randn_like(mean)
        u = mean + torch.exp(0.5 * logvar) * noise
        log_pz = gaussian_log_prob(z, vae.decoder(u), vae.logvar.expand_as(z)) - vae.scale.log()
        # log N(u; 0, I) - log q(u|z): what both have in common cancels
        log_ratio = 0.5 * (noise.square() + logvar - u.square())
        return (log_pz + log_ratio).sum(-1)

    def sample(self, sample_shape: _size = torch.Size()) -> Tensor:  # noqa: B008
        """Return exact draws, without a gradient."""
        with torch.no_grad():
            u = torch.randn((*sample_shape, *self.event_shape)).to(self.vae.centre)
            noise = torch.randn_like(u) * torch.exp(0.5 * self.vae.logvar)
            return self.vae.centre + self.vae.scale * (self.vae.decoder(u) + noise)

    @property
    def mean(self) -> Tensor:
        """The mean, estimated."""
        return self.vae.centre + self.vae.scale * self._means.mean(0)

    @property
    def variance(self) -> Tensor:
        """The variance, estimated."""
        spread = self._means.var(0, correction=0) + self.vae.logvar.exp()
        return self.vae.scale.square() * spread

    @cached_property
    def _means(self) -> Tensor:
        return self.vae.decoder(self.vae.points)
