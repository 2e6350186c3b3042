"""Which latents belong together: levels, codes, groups of categories, points of a curved space."""

from __future__ import annotations

from dataclasses import dataclass

from torch.distributions import Distribution

from nelbo.distributions.ball import WrappedNormal
from nelbo.distributions.codes import Codes
from nelbo.distributions.one_hot import OneHots
from nelbo.distributions.simplex import Concrete
from nelbo.distributions.sphere import VonMisesFisher
from nelbo.distributions.top_down import TopDownGaussian, sizes_of


@dataclass(frozen=True)
class LatentParts:
    """Latents that mean something together only, and not one by one.

    Attributes:
        name: of one part, such as `"level"`.
        sizes: how many latents each part has, in their order.

    Example:
        >>> LatentParts("level", (4, 16)).unit
        'of 2 levels'
    """

    name: str
    sizes: tuple[int, ...]

    @property
    def unit(self) -> str:
        """What a number of parts is a number of."""
        return f"of {len(self.sizes)} {self.name}{'s' * (len(self.sizes) != 1)}"


def parts_of(q: Distribution) -> LatentParts | None:
    """Return the parts of q(z|x)'s latents; None where each latent is one.

    Example:
        >>> import torch
        >>> parts_of(Concrete(torch.zeros(3, 2, 5), 0.5))
        LatentParts(name='group', sizes=(5, 5))
    """
    if isinstance(q, TopDownGaussian):
        return LatentParts("level", sizes_of(q.network.levels))
    if isinstance(q, Codes):
        return _alike("code", q.indices.shape[-1], q.event_shape[0])
    if isinstance(q, Concrete | OneHots):
        return _alike("group", q.logits.shape[-2], q.event_shape[0])
    if isinstance(q, VonMisesFisher | WrappedNormal):
        return _alike("point", 1, q.event_shape[0])
    return None


def _alike(name: str, count: int, latent: int) -> LatentParts:
    return LatentParts(name, (latent // count,) * count)
