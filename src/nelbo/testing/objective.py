"""The laws of an objective."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.distributions import Independent, Normal

from nelbo.objectives import LearningObjective, Objective
from nelbo.rng import seeded
from nelbo.terms import Terms
from nelbo.testing.laws import require, require_close, require_shape, require_within

SAMPLES, BATCH, LATENT, FEATURES = 4, 5, 2, 7


def check_objective(objective: Objective) -> None:
    """Check that an objective is in nats per example, to be maximised.

    The laws, in order: shape [batch]; finite values and gradients; a permuted batch gives permuted
    values; one nat more of log p(x|z) is one nat more (so nothing is negated, averaged over the
    pixels or divided twice); and, where the posterior is the prior and the decoder ignores z, at
    most log p(x). Schedules are taken at step 0, and what an objective learns as it begins. All of
    it is in float64, on a linear Gaussian model.

    Args:
        objective: the component.

    Raises:
        ConformanceError: a law is broken; the text names it, what was expected and what came.

    Example:
        >>> import nelbo
        >>> check_objective(nelbo.objectives.ELBO(beta=4.0))

    """
    with seeded(0):
        subject = _ready(objective).at(0)
        x = torch.randn(BATCH, FEATURES, dtype=torch.float64)
        mu, logvar = torch.randn(2, BATCH, LATENT, dtype=torch.float64)
        samples = subject.samples if subject.samples > 1 else SAMPLES
        z = torch.randn(samples, BATCH, LATENT, dtype=torch.float64)
        weight = torch.randn(FEATURES, LATENT, dtype=torch.float64)
        _shape(subject, _terms(x, z, mu, logvar, weight))
        _gradient(subject, x, z, mu, logvar, weight)
        _permutation(subject, x, z, mu, logvar, weight)
        if subject.uses_likelihood:
            _nat_for_nat(subject, _terms(x, z, mu, logvar, weight))
            _collapse(subject, x, z)


def _ready(objective: Objective) -> Objective:
    if not isinstance(objective, LearningObjective):
        return objective
    subject = copy.deepcopy(objective)
    subject.setup((FEATURES,), LATENT)
    return subject.double().eval()


class _Quantised(Independent):
    """A Gaussian that has what objectives ask of quantised latents, too."""

    @property
    def distance(self) -> Tensor:
        return self.mean.square().sum(-1)


def _terms(x: Tensor, z: Tensor, mu: Tensor, logvar: Tensor, weight: Tensor) -> Terms:
    px = _Linear(weight).decode(z)
    q = _Quantised(Normal(mu, torch.exp(0.5 * logvar)), 1)
    p = Independent(Normal(torch.zeros_like(mu[0]), torch.ones_like(mu[0])), 1)
    return Terms(x, z, px, q, p, _Linear(weight))


class _Linear(nn.Module):
    """The model itself, for objectives that ask for its decoder."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.weight = weight
        self.decoder = nn.Linear(2, 3, bias=False, dtype=torch.float64)

    def decode(self, z: Tensor) -> Independent:
        """Return p(x|z)."""
        mean = z @ self.weight.mT
        return Independent(Normal(mean, torch.ones_like(mean[0, 0])), 1)


def _shape(subject: Objective, terms: Terms) -> None:
    value = subject(terms)
    require_shape(subject, "shape [batch]", value, (BATCH,))
    require(
        bool(value.isfinite().all()),
        subject,
        "finite values",
        expected="finite numbers",
        got=f"{value.tolist()}",
        fix="Work with logarithms (nelbo.formulas.log_mean_exp).",
    )


def _gradient(subject: Objective, x: Tensor, z: Tensor, *rest: Tensor) -> None:
    leaves = [z.clone().requires_grad_(), *(t.clone().requires_grad_() for t in rest)]
    value = subject(_terms(x, *leaves)).sum()
    slopes = torch.autograd.grad(value, leaves, materialize_grads=True)
    require(
        all(bool(g.isfinite().all()) for g in slopes) and bool(slopes[-1].abs().sum() > 0),
        subject,
        "finite gradients",
        expected="finite gradients, and one that reaches the decoder",
        got=f"decoder gradient {slopes[-1].abs().max().item():g}",
        fix="Look for a detach, or a logarithm of 0.",
    )


def _permutation(
    subject: Objective, x: Tensor, z: Tensor, mu: Tensor, logvar: Tensor, weight: Tensor
) -> None:
    order = torch.randperm(BATCH)
    with seeded(1):
        permuted = subject(_terms(x[order], z[:, order], mu[order], logvar[order], weight))
    with seeded(1):
        expected = subject(_terms(x, z, mu, logvar, weight))[order]
    require_close(
        subject,
        "a permuted batch gives permuted values",
        permuted,
        expected,
        "Give each example its own value; the mean over examples comes last, in the loop.",
    )


def _nat_for_nat(subject: Objective, terms: Terms) -> None:
    with seeded(1):
        before = subject(terms)
    terms.log_px = terms.log_px + 1.0
    with seeded(1):
        after = subject(terms)
    require_close(
        subject,
        "one nat more of log p(x|z) is one nat more",
        after - before,
        torch.ones_like(before),
        "Return nats to be maximised: no mean over features, no negation, weights on the KL only.",
    )


def _collapse(subject: Objective, x: Tensor, z: Tensor) -> None:
    zero = torch.zeros(BATCH, LATENT, dtype=torch.float64)
    terms = _terms(x, z, zero, zero, torch.zeros(FEATURES, LATENT, dtype=torch.float64))
    log_evidence = terms.log_px[0]
    require_within(
        subject,
        "at most log p(x) where the decoder ignores z",
        (subject(terms) - log_evidence).clamp_min(0.0),
        torch.zeros_like(log_evidence),
        "A bound lies below the evidence; check the signs.",
        torch.full_like(log_evidence, 1e-9),
    )
