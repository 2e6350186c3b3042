"""The laws of a prior."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.distributions import Distribution

from nelbo.distributions.codes import CODES
from nelbo.priors import Prior
from nelbo.rng import seeded
from nelbo.testing.codes import check_code_prior
from nelbo.testing.laws import (
    require_gradient,
    require_mass,
    require_mean,
    require_samples,
    require_shape,
)
from nelbo.testing.spaces import Space, space
from nelbo.testing.surroundings import surrounded


def check_prior(prior: Prior, latent: int = 3) -> None:
    """Check that a prior is a normalised distribution over the latents.

    The laws, in order: shape [samples, batch]; total mass 1 and stated mean for one latent;
    gradient with respect to its parameters, where it has any, against finite differences; sample
    mean and sample variance within five standard errors. They are checked on copies in float64,
    with a small model around them for those that ask for one. A mean and a variance that are
    estimates (`moments_are_estimated`) may be a tenth of a deviation off.

    Args:
        prior: the component, before `setup`.
        latent: number of latent dimensions.

    Raises:
        ConformanceError: a law is broken; the text names it, what was expected and what came.

    Example:
        >>> import nelbo
        >>> check_prior(nelbo.priors.Standard())

    """
    if prior.base_measure == CODES:
        with seeded(0):
            return check_code_prior(prior, latent)
    with seeded(0):
        subject, density = _ready(prior, latent)
        place = space(prior)
        z = place.place(torch.randn(4, 5, latent, dtype=torch.float64))
        require_shape(subject, "shape [samples, batch]", density().log_prob(z), (4, 5))
        _mass(place, *_ready(prior, place.latents))
        law = "gradient against finite differences"
        require_gradient(subject, law, lambda: _same_noise(density, z), subject.parameters())
        require_samples(subject, density())


def _ready(prior: Prior, latent: int) -> tuple[Prior, Callable[[], Distribution]]:
    subject, context = surrounded(prior, latent)
    return subject, lambda: subject.within(context)


def _same_noise(density: Callable[[], Distribution], z: Tensor) -> Tensor:
    """Return log p(z); where it is a bound that draws noise, the same noise each time."""
    with seeded(1):
        return density().log_prob(z)


def _mass(place: Space, subject: Prior, density: Callable[[], Distribution]) -> None:
    p = density()
    points, weights = place.grid(p)
    mass = weights * p.log_prob(points[:, None]).exp().flatten()
    require_mass(subject, mass)
    require_mean(subject, p, mass, points)
