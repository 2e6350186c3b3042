"""The laws of a prior."""

from __future__ import annotations

import copy

import torch
from torch.distributions import constraints

from nelbo.priors import Prior
from nelbo.rng import seeded
from nelbo.testing.laws import require_close, require_gradient, require_samples, require_shape
from nelbo.testing.quadrature import nodes


def check_prior(prior: Prior, latent: int = 3) -> None:
    """Check that a prior is a normalised distribution over the latents.

    The laws, in order: shape [samples, batch]; total mass 1 and stated mean for one latent;
    gradient with respect to its parameters, where it has any, against finite differences; sample
    mean and sample variance within five standard errors. They are checked on copies in float64.

    Args:
        prior: the component, before `setup`.
        latent: number of latent dimensions.

    Raises:
        ConformanceError: a law is broken; the text names it, what was expected and what came.

    Example:
        >>> import nelbo
        >>> check_prior(nelbo.priors.Standard())

    """
    with seeded(0):
        subject, single = _ready(prior, latent), _ready(prior, 1)
        z = torch.randn(4, 5, latent, dtype=torch.float64)
        require_shape(subject, "shape [samples, batch]", subject().log_prob(z), (4, 5))
        _mass(single)
        law = "gradient against finite differences"
        require_gradient(subject, law, lambda: subject().log_prob(z), subject.parameters())
        require_samples(subject, subject())


def _ready(prior: Prior, latent: int) -> Prior:
    subject = copy.deepcopy(prior)
    subject.setup(latent)
    return subject.double().eval()


def _mass(subject: Prior) -> None:
    p = subject()
    points, weights = nodes(constraints.real, p.mean.item(), p.stddev.item())
    mass = weights * p.log_prob(points.reshape(-1, 1, 1)).exp().flatten()
    one = torch.ones((), dtype=torch.float64)
    fix = "Add the log-normaliser, or the log-determinant of the transformation."
    require_close(subject, "total mass 1", mass.sum(), one, fix)
    fix = "Return the mean of the distribution itself, not its parameter."
    require_close(subject, "stated mean", p.mean.flatten(), (mass * points).sum()[None], fix)
