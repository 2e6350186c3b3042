"""The laws of a posterior."""

from __future__ import annotations

import copy

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent, Normal

from nelbo.distributions.codes import CODES
from nelbo.posteriors import Posterior
from nelbo.priors import Prior, Standard
from nelbo.rng import seeded
from nelbo.terms import Terms
from nelbo.testing.codes import check_code_posterior
from nelbo.testing.laws import (
    DRAWS,
    require,
    require_close,
    require_gradient,
    require_mass,
    require_mean,
    require_samples,
    require_shape,
    require_within,
)
from nelbo.testing.spaces import space
from nelbo.testing.surroundings import linear_model, surrounded


def check_posterior(posterior: Posterior, prior: Prior | None = None, latent: int = 3) -> None:
    """Check that a posterior is a normalised distribution that can be trained through.

    The laws, in order: shape [samples, batch]; independence of the rest of the batch; total mass 1
    and stated mean for one latent; gradient of log q(z|x), and of the reparametrised draws,
    against finite differences (the draws with common random numbers); a closed KL against
    quadrature and against Monte Carlo; sample mean and sample variance within five standard
    errors. They are checked on copies in float64 and in evaluation mode. A mean and a variance that
    are estimates (`moments_are_estimated`) may be a tenth of a deviation off.

    Args:
        posterior: the component, before `setup`.
        prior: one that `setup` was not called on, for the KL; by default N(0, I).
        latent: number of latent dimensions.

    Raises:
        ConformanceError: a law is broken; the text names it, what was expected and what came.

    Example:
        >>> import nelbo
        >>> check_posterior(nelbo.posteriors.Diagonal())

    """
    if posterior.base_measure == CODES:
        with seeded(0):
            return check_code_posterior(posterior, prior, latent)
    prior = prior or Standard()
    with seeded(0):
        subject, p = _ready(posterior, prior, latent)
        q = _given(subject, _outputs(subject, latent), latent)
        if not getattr(q, "has_density", True):
            return _without_density(subject, latent)
        if getattr(q, "knows_only_its_draws", False):
            _mass_of_draws(_ready(posterior, prior, 1)[0])
            return _of_own_draws(subject, latent)
        single = _ready(posterior, prior, space(posterior).latents)
        _shape(subject, latent)
        _independence(subject, latent)
        if space(posterior).by_quadrature:
            _mass_and_kl(*single)
        _gradient(subject, latent)
        _reparametrised_gradient(subject, latent)
        _kl_by_samples(subject, p, latent)
        require_samples(subject, _given(subject, _outputs(subject, latent, 2), latent))


def _without_density(subject: Posterior, latent: int) -> None:
    """Check the laws that hold of a point as well."""
    outputs, size = _outputs(subject, latent), torch.Size((4,))
    z = _given(subject, outputs, latent).rsample(size)
    require_shape(subject, "shape [samples, batch, latent]", z, (4, 5, latent))
    law, fix = "independence of the rest of the batch", "Compute each example by itself."
    require_close(subject, law, _given(subject, outputs[:1], latent).rsample(size), z[:, :1], fix)
    _reparametrised_gradient(subject, latent)
    require_samples(subject, _given(subject, outputs, latent))


def _of_own_draws(subject: Posterior, latent: int) -> None:
    """Check the laws that hold where log q(z|x) is known for the posterior's own draws alone."""
    _shape(subject, latent)
    outputs = _outputs(subject, latent)
    others = torch.cat((outputs[:1], outputs[1:].flip(0)))
    first, second = (_drawn(subject, each, latent)[:, :1] for each in (outputs, others))
    fix = "In evaluation mode nothing may be computed from the other examples."
    require_close(subject, "independence of the rest of the batch", first, second, fix)
    leaf = outputs.requires_grad_()
    law = "gradient of the draws and their density against finite differences"
    at = (leaf, *subject.parameters())
    require_gradient(subject, law, lambda: _drawn(subject, leaf, latent), at)
    require_samples(subject, _given(subject, outputs.detach(), latent))


def _drawn(subject: Posterior, outputs: Tensor, latent: int) -> Tensor:
    """Return draws and log q(z|x), [4, batch, latent + 1]: the same noise each time."""
    with seeded(1):
        q = _given(subject, outputs, latent)
        z = q.rsample(torch.Size((4,)))
        return torch.cat((z, q.log_prob(z)[..., None]), dim=-1)


# E_q[r(z) / q(z)] = 1 for every density r; a narrow one has weights of small variance
@torch.no_grad()
def _mass_of_draws(subject: Posterior) -> None:
    q = _given(subject, _outputs(subject, 1), 1)
    z = q.rsample(torch.Size((DRAWS,)))
    narrow = Independent(Normal(q.mean, 0.5 * q.stddev), 1)
    weights = torch.exp(narrow.log_prob(z) - q.log_prob(z))
    fix = "Add the log-determinant of the map, or the density of what was drawn besides."
    error = 5 * weights.std(0) / DRAWS**0.5
    mean = weights.mean(0)
    require_within(subject, "total mass 1 of draws", mean, torch.ones_like(mean), fix, error)


def _given(subject: Posterior, outputs: Tensor, latent: int) -> Distribution:
    """Return q(z|x) of an encoder's outputs, in the model that `linear_model` is."""
    return subject.within(outputs, linear_model(len(outputs), latent))


def _outputs(subject: Posterior, latent: int, batch: int = 5) -> Tensor:
    return torch.randn(batch, *subject.parameter_shape(latent), dtype=torch.float64)


def _ready(posterior: Posterior, prior: Prior, latent: int) -> tuple[Posterior, Distribution]:
    """Return a copy of the posterior that has met a copy of the prior, and p(z)."""
    subject = copy.deepcopy(posterior)
    subject.setup(latent)
    met, context = surrounded(prior, latent)
    subject.connect(met)
    return subject.double().eval(), met.within(context)


def _shape(subject: Posterior, latent: int) -> None:
    q = _given(subject, _outputs(subject, latent), latent)
    require(
        q.has_rsample,
        subject,
        "reparametrised draws",
        expected="a distribution with rsample",
        got=f"{q}",
        fix="Write the draw as a differentiable function of noise.",
    )
    z = q.rsample(torch.Size((4,)))
    require_shape(subject, "shape [samples, batch, latent]", z, (4, 5, latent))
    require_shape(subject, "shape [samples, batch]", q.log_prob(z), (4, 5))


def _independence(subject: Posterior, latent: int) -> None:
    outputs = _outputs(subject, latent)
    z = space(subject).place(torch.randn(4, 5, latent, dtype=torch.float64))
    require_close(
        subject,
        "independence of the rest of the batch",
        _given(subject, outputs[:1], latent).log_prob(z[:, :1]),
        _given(subject, outputs, latent).log_prob(z)[:, :1],
        "In evaluation mode nothing may be computed from the other examples.",
    )


def _mass_and_kl(subject: Posterior, p: Distribution) -> None:
    place = space(subject)
    for output in _outputs(subject, place.latents).split(1):
        q = _given(subject, output, place.latents)
        points, weights = place.grid(q)
        z = points[:, None]
        log_q, log_p = q.log_prob(z).flatten(), p.log_prob(z).flatten()
        mass = weights * log_q.exp()
        require_mass(subject, mass)
        require_mean(subject, q, mass, points)
        closed = _terms(z[:1], q, p).closed_kl_total
        if closed is not None:
            integral = torch.where(mass > 0, mass * (log_q - log_p), 0.0).sum()
            fix = "Register the right KL with torch.distributions.kl.register_kl."
            require_close(subject, "closed KL against quadrature", closed.sum(), integral, fix)


def _terms(z: Tensor, q: Distribution, p: Distribution) -> Terms:
    x = z.new_zeros(z.shape[1], 1)
    return Terms(x, z, Independent(Normal(z[..., :1], 1.0), 1), q, p)


def _gradient(subject: Posterior, latent: int) -> None:
    outputs = _outputs(subject, latent).requires_grad_()
    z = space(subject).place(torch.randn(4, 5, latent, dtype=torch.float64))
    require_gradient(
        subject,
        "gradient against finite differences",
        lambda: _given(subject, outputs, latent).log_prob(z),
        (outputs, *subject.parameters()),
    )


def _reparametrised_gradient(subject: Posterior, latent: int) -> None:
    outputs = _outputs(subject, latent).requires_grad_()
    if getattr(_given(subject, outputs, latent), "gradient_is_biased", False):
        return

    def draws() -> Tensor:
        with seeded(1):
            return _given(subject, outputs, latent).rsample(torch.Size((4,)))

    law = "gradient of the draws against finite differences"
    require_gradient(subject, law, draws, (outputs, *subject.parameters()))


def _kl_by_samples(subject: Posterior, p: Distribution, latent: int) -> None:
    q = _given(subject, _outputs(subject, latent), latent)
    terms = _terms(q.rsample(torch.Size((DRAWS,))), q, p)
    if terms.closed_kl_total is not None:
        estimate = terms.log_qz - terms.log_pz
        require_within(
            subject,
            "closed KL against samples",
            terms.closed_kl_total,
            estimate.mean(0),
            "Make `rsample`, `log_prob` and the closed KL speak of one distribution.",
            5 * estimate.std(0) / DRAWS**0.5 + 1e-9,
        )
