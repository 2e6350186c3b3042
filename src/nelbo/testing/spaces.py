"""Where latents live: random points and quadrature, for each base measure."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Distribution, constraints
from torch.nn.functional import one_hot

from nelbo.distributions.ball import from_origin
from nelbo.distributions.directions import unit
from nelbo.distributions.one_hot import ONE_HOT
from nelbo.distributions.relaxed_bits import BITS
from nelbo.distributions.sphere import SPHERE
from nelbo.distributions.top_down import TopDownNetwork, sizes_of
from nelbo.posteriors.from_top import FromTop
from nelbo.testing.laws import latent_nodes
from nelbo.testing.quadrature import nodes

Grid = tuple[Float[Tensor, "nodes latent"], Float[Tensor, " nodes"]]


class Space(ABC):
    """What the laws about densities need to know of the latents.

    Args:
        component: the posterior or the prior.

    Attributes:
        latents: their number in the law about mass.
        by_quadrature: whether a posterior is integrated on a grid; else by its own draws.
    """

    latents: int = 1
    by_quadrature: ClassVar[bool] = True

    def __init__(self, component: Any) -> None:
        self.component = component

    @abstractmethod
    def place(self, noise: Float[Tensor, "*shape latent"]) -> Float[Tensor, "*shape latent"]:
        """Return points of the space, from any numbers."""

    @abstractmethod
    def grid(self, distribution: Distribution) -> Grid:
        """Return points and weights that integrate the density, against its base measure."""


class Flat(Space):
    """R^K."""

    def place(self, noise: Tensor) -> Tensor:
        """Return the numbers themselves."""
        return noise

    def grid(self, distribution: Distribution) -> Grid:
        """Return points of the real line."""
        points, weights = latent_nodes(distribution)
        return points[:, None], weights


class Levels(Flat):
    """R^K, of a component that says how many latents each of its levels has.

    A posterior's lower levels may be far away in the tails of those above: no box holds them.
    """

    by_quadrature = False

    def __init__(self, component: Any) -> None:
        super().__init__(component)
        self.latents = sum(sizes_of(component.levels))

    def grid(self, distribution: Distribution) -> Grid:
        """Return equal steps in all directions, around N(0, I): where such a prior starts."""
        steps = torch.linspace(-8, 8, 65, dtype=torch.float64)
        cube = torch.cartesian_prod(*[steps] * self.latents).view(-1, self.latents)
        mean, width = distribution.mean.detach(), distribution.stddev.detach()
        cell = (width * (steps[1] - steps[0])).prod()
        return mean.flatten() + width.flatten() * cube, cell.expand(len(cube))


class Sphere(Space):
    """Unit vectors, against their area."""

    latents = 2

    def place(self, noise: Tensor) -> Tensor:
        """Return directions."""
        return unit(noise)

    def grid(self, distribution: Distribution) -> Grid:
        """Return points of the circle, all at equal distances: exact for what is periodic."""
        angle = torch.arange(1000, dtype=torch.float64) * 2 * math.pi / 1000
        points = torch.stack([angle.cos(), angle.sin()], 1)
        return points, torch.full_like(angle, 2 * math.pi / 1000)


class Ball(Space):
    """The Poincare ball, against its volume: in one dimension, the distance."""

    def place(self, noise: Tensor) -> Tensor:
        """Return points at the distances |noise|."""
        return from_origin(noise, self.component.curvature)

    def grid(self, distribution: Distribution) -> Grid:
        """Return points at all distances that can be told from the boundary."""
        distance, weights = nodes(constraints.real, 0.0, 1.0)
        kept = distance.abs() < 30 / math.sqrt(self.component.curvature)
        return self.place(distance[kept, None]), weights[kept]


class Simplices(Space):
    """Groups of probabilities, against the volume of all but the last of each group."""

    latents = 3

    def place(self, noise: Tensor) -> Tensor:
        """Return the softmax of each group."""
        groups = noise.unflatten(-1, (-1, self.component.categories))
        return groups.softmax(-1).flatten(-2)

    # z = softmax(s, t, 0), of which the volume is z_1 z_2 z_3 ds dt
    def grid(self, distribution: Distribution) -> Grid:
        """Return points of the triangle: the law is for three categories."""
        s = torch.linspace(-60, 60, 1201, dtype=torch.float64)
        plane = torch.cartesian_prod(s, s)
        points = torch.cat([plane, torch.zeros_like(plane[:, :1])], 1).softmax(-1)
        return points, points.log().sum(-1).exp() * (s[1] - s[0]) ** 2


class OneHotVectors(Space):
    """Groups of categories, counted."""

    latents = 3

    def place(self, noise: Tensor) -> Tensor:
        """Return a 1 at the largest number of each group."""
        categories = self.component.categories
        largest = noise.unflatten(-1, (-1, categories)).argmax(-1)
        return one_hot(largest, categories).to(noise).flatten(-2)

    def grid(self, distribution: Distribution) -> Grid:
        """Return all there are: the law is for three categories."""
        return torch.eye(3, dtype=torch.float64), torch.ones(3, dtype=torch.float64)


class Bits(Space):
    """(0, 1)^K, with the mass beyond what numbers can tell from 0 and 1 at both ends."""

    def place(self, noise: Tensor) -> Tensor:
        """Return sigmoids."""
        return torch.sigmoid(noise)

    def grid(self, distribution: Distribution) -> Grid:
        """Return points of the unit interval, and its two ends."""
        epsilon = torch.finfo(torch.float64).eps
        points, weights = nodes(constraints.unit_interval, 0.5, 0.5)
        kept = (points > epsilon) & (points < 1 - epsilon)
        ends = torch.tensor([epsilon, 1 - epsilon], dtype=torch.float64)
        points = torch.cat([points[kept], ends])
        return points[:, None], torch.cat([weights[kept], torch.ones_like(ends)])


def space(component: Any) -> Space:
    """Return where a posterior's or a prior's latents live, by its base measure.

    Example:
        >>> import nelbo
        >>> space(nelbo.priors.Standard()).latents
        1

    """
    if isinstance(component, FromTop | TopDownNetwork):
        return Levels(component)
    measure = component.base_measure
    kind = next((kind for start, kind in SPACES.items() if measure.startswith(start)), Flat)
    return kind(component)


SPACES: dict[str, type[Space]] = {
    SPHERE: Sphere,
    "density on the Poincare ball": Ball,
    "density on simplices": Simplices,
    ONE_HOT: OneHotVectors,
    BITS: Bits,
}
