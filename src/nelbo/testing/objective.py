"""The laws of an objective."""

from __future__ import annotations

import copy

import torch
from torch import Tensor
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
    px = Independent(Normal(z @ weight.mT, torch.ones_like(x[0, 0])), 1)
    q = _Quantised(Normal(mu, torch.exp(0.5 * logvar)), 1)
    p = Independent(Normal(torch.zeros_like(mu[0]), torch.ones_like(mu[0])), 1)
    return Terms(x, z, px, q, p)


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
    require_close(
        subject,
        "a permuted batch gives permuted values",
        subject(_terms(x[order], z[:, order], mu[order], logvar[order], weight)),
        subject(_terms(x, z, mu, logvar, weight))[order],
        "Give each example its own value; the mean over examples comes last, in the loop.",
    )


def _nat_for_nat(subject: Objective, terms: Terms) -> None:
    before = subject(terms)
    terms.log_px = terms.log_px + 1.0
    require_close(
        subject,
        "one nat more of log p(x|z) is one nat more",
        subject(terms) - before,
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
