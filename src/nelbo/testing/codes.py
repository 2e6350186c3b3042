"""The laws of posteriors and priors that are masses on codes: sums in place of integrals."""

from __future__ import annotations

import copy
import itertools

import torch
from torch import Tensor
from torch.distributions import Independent, Normal

from nelbo.distributions.codes import Quantiser
from nelbo.posteriors import Posterior
from nelbo.priors import Prior, UniformCodes
from nelbo.terms import Terms
from nelbo.testing.laws import (
    DRAWS,
    require,
    require_close,
    require_gradient,
    require_shape,
    require_within,
)
from nelbo.testing.surroundings import surrounded

BATCH = 5
EXTREME = (0.0, 1.0, -30.0, 30.0)  # outputs at which gradients have to be finite


def check_code_posterior(posterior: Posterior, prior: Prior | None, latent: int) -> None:
    """Check that a posterior is a mass of 1 on one sequence of codes; see `check_posterior`."""
    subject = copy.deepcopy(posterior)
    subject.setup(latent)
    subject = subject.double().eval()
    outputs = torch.randn(BATCH, *subject.parameter_shape(latent), dtype=torch.float64)
    before = copy.deepcopy(subject.state_dict())
    _mass_on_one(subject, outputs, latent)
    _straight_through(subject, outputs)
    _kl(subject, outputs, copy.deepcopy(prior or UniformCodes()), latent)
    same = all(torch.equal(v, before[k]) for k, v in subject.state_dict().items())
    _require(same, subject, "evaluation leaves no trace", "Move codes in training mode only.")


def check_code_prior(prior: Prior, latent: int) -> None:
    """Check that a prior is a normalised mass on sequences of codes; see `check_prior`."""
    subject, context = surrounded(prior, latent)
    with torch.no_grad():
        for parameter in subject.parameters():
            parameter.normal_()

    p = subject.within(context)
    z = p.sample(torch.Size((DRAWS,)))
    require_shape(subject, "shape of draws", z, (DRAWS, latent))
    every = _every(z)
    log_p = p.log_prob(every)
    require_shape(subject, "shape [samples, batch]", p.log_prob(every[None]), (1, len(every)))
    one = torch.ones((), dtype=torch.float64)
    require_close(subject, "total mass 1", log_p.exp().sum(), one, "Subtract the log-normaliser.")
    law, fix = "no mass elsewhere", "Return -inf where latents are no codes."
    _require(bool((p.log_prob(every + 0.1) == -torch.inf).all()), subject, law, fix)
    law = "gradient against finite differences"
    require_gradient(subject, law, lambda: p.log_prob(every), subject.parameters())
    shares = (z[:, None] - every).abs().amax(-1).lt(1e-6).double().mean(0)
    error = (log_p.exp() * (1 - log_p.exp()) / DRAWS).sqrt()
    fix = "Make `sample` and `log_prob` speak of one distribution."
    require_within(subject, "shares of the draws", shares, log_p.exp(), fix, 5 * error + 1e-9)


def _every(z: Tensor) -> Tensor:
    """Return all vectors that have the values of draws in each place."""
    return torch.tensor(list(itertools.product(*(c.unique().tolist() for c in z.unbind(1))))).to(z)


def _mass_on_one(subject: Posterior, outputs: Tensor, latent: int) -> None:
    q, z = subject(outputs), subject(outputs).rsample(torch.Size((2,)))
    require_shape(subject, "shape [samples, batch, latent]", z, (2, BATCH, latent))
    require_shape(subject, "shape [samples, batch]", q.log_prob(z), (2, BATCH))
    law, fix = "mass 1 at its own codes", "Return 0 there, and -inf elsewhere."
    _require(bool((q.log_prob(z) == 0).all()), subject, law, fix)
    _require(bool((q.log_prob(z + 0.1) == -torch.inf).all()), subject, law, fix)
    law, fix = "independence of the rest of the batch", "Quantise each example for itself."
    _require(torch.equal(subject(outputs[:1]).mean, q.mean[:1]), subject, law, fix)
    law, fix = "codes and latents are one to one", "Let `indices` undo `vectors`."
    known = isinstance(subject, Quantiser)
    _require(known, subject, "a Quantiser", "Add groups, codes, books, indices and vectors.")
    assert isinstance(subject, Quantiser)
    drawn = torch.randint(subject.codes, (100, subject.groups))
    for indices in (drawn, subject.indices(z[0])):
        back = subject.indices(subject.vectors(indices))
        _require(torch.equal(back, indices), subject, law, fix)


def _straight_through(subject: Posterior, outputs: Tensor) -> None:
    law, fix = "gradient of the draws", "Pass the gradient of what is quantised straight through."
    for given in (outputs, *(torch.full_like(outputs, value) for value in EXTREME)):
        leaf = given.clone().requires_grad_()
        (slope,) = torch.autograd.grad(subject(leaf).rsample().sum(), leaf)
        moves = bool(slope.abs().sum() > 0) or given is not outputs
        _require(bool(slope.isfinite().all()) and moves, subject, law, fix)


def _kl(subject: Posterior, outputs: Tensor, prior: Prior, latent: int) -> None:
    prior.setup(latent)
    prior.connect(subject, (1,), 0)
    q, p = subject(outputs), prior.double().eval()()
    z = q.rsample(torch.Size((1,)))
    terms = Terms(torch.zeros(BATCH, 1), z, Independent(Normal(z[..., :1], 1.0), 1), q, p)
    fix = "Give the point mass a log-density of 0 nats."
    require_close(subject, "KL = -log p(codes)", terms.kl_total, -p.log_prob(z[0]), fix)


def _require(holds: bool, subject: object, law: str, fix: str) -> None:
    require(holds, subject, law, expected="the law to hold", got="an exception to it", fix=fix)
