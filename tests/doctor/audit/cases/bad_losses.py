"""Losses that are wrong to call; each says in words what a user would expect as the answer."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F

from tests.doctor.audit.cases.formulas import bern, kl1, sq
from tests.doctor.audit.cases.numpy_losses import np_kl


@dataclass(frozen=True)
class BadLoss:
    """A callable no audit can answer as it stands, or can answer only in part.

    Attributes:
        loss: the callable, for outputs in (0, 1) of 49 features, 6 latents, 32 examples.
        expected: what a user would expect to be told.
        arrays: whose arrays it takes.
    """

    id: str
    loss: object
    expected: str
    arrays: str = "torch"


def _raise(x, r, m, v):
    raise ValueError("shapes do not match")


def _nan_far_out(x, r, m, v):
    """Take the square root of something that turns negative for large means."""
    return sq(x, r).mean() + torch.sqrt(4.0 - m.square()).mean()


def _in_place(x, r, m, v):
    variance = v.exp_()  # v is overwritten
    return bern(x, r).sum(1).mean() - 0.5 * torch.mean(1 + v - m * m - variance)


def _in_place_recon(x, r, m, v):
    return r.sub_(x).square_().sum() + kl1(m, v).sum()


def _np_in_place(x, r, m, v):
    r -= x
    r **= 2
    return r.sum() + np_kl(m, v).sum()


class _Forgets:
    """Weighs the KL by the number of calls so far: an annealing schedule inside the loss."""

    def __init__(self):
        self.calls = 0

    def __call__(self, x, r, m, v):
        self.calls += 1
        return bern(x, r).sum(1).mean() + min(1.0, self.calls / 1000) * kl1(m, v).sum(1).mean()


def _when_training(x, r, m, v):
    """Leave out the KL where no gradient is asked for, as a validation loss."""
    kl = kl1(m, v).sum(1).mean() if r.requires_grad else 0.0
    return bern(x, r).sum(1).mean() + kl


BAD_LOSSES = [
    BadLoss("raises", _raise, "the loss's own error, unchanged or as the cause, and which call "
            "raised it: nothing is audited"),
    BadLoss("vector-of-batch", lambda x, r, m, v: bern(x, r).sum(1) + kl1(m, v).sum(1),
            "an error that names the shape (32,): a loss must return one number; say .mean() or "
            ".sum()"),
    BadLoss("elements", lambda x, r, m, v: bern(x, r), "the same, for the shape (32, 49)"),
    BadLoss("always-nan", lambda x, r, m, v: bern(x, r).sum() * float("nan"),
            "an error or a failed audit: the loss is NaN at the given inputs; no answers"),
    BadLoss("always-infinite", lambda x, r, m, v: bern(x, r).sum() / 0.0,
            "the same, for an infinite loss"),
    BadLoss("nan-for-large-means", _nan_far_out,
            "no crash: that it turns NaN for means beyond 2, and a KL that is wrong; or an error "
            "that says where it turned NaN"),
    BadLoss("nan-outside-the-unit-interval",
            lambda x, r, m, v: bern(x, r).sum(1).mean() + kl1(m, v).sum(1).mean(),
            "no fault: a correct loss that is NaN for outputs outside (0, 1); the audit has to "
            "stay inside: Bernoulli, beta = 1"),
    BadLoss("python-float", lambda x, r, m, v: (
        bern(x, r).sum(1).mean() + kl1(m, v).sum(1).mean()).item(),
            "all answers from the values (Bernoulli, beta = 1), and that it returns a number "
            "without a gradient: it cannot be trained"),
    BadLoss("no-grad", torch.no_grad()(
        lambda x, r, m, v: bern(x, r).sum(1).mean() + kl1(m, v).sum(1).mean()),
            "as python-float"),
    BadLoss("recon-detached", lambda x, r, m, v: bern(x, r.detach()).sum(1).mean()
            + kl1(m, v).sum(1).mean(),
            "that no gradient reaches the output: the decoder cannot learn"),
    BadLoss("ignores-recon", lambda x, r, m, v: kl1(m, v).sum(1).mean(),
            "that the loss does not depend on the output: no reconstruction, all else None"),
    BadLoss("ignores-latents", lambda x, r, m, v: bern(x, r).sum(1).mean(),
            "no KL (absent), the reconstruction answered"),
    BadLoss("ignores-x", lambda x, r, m, v: r.square().sum(1).mean() + kl1(m, v).sum(1).mean(),
            "that the loss does not depend on the data: no reconstruction of it"),
    BadLoss("constant", lambda x, r, m, v: torch.zeros((), dtype=x.dtype),
            "that the loss depends on nothing"),
    BadLoss("overwrites-logvar", _in_place,
            "answers all the same (the KL is wrong, its variance part cancels), that it changes "
            "its input, and the caller's tensors unchanged"),
    BadLoss("overwrites-recon", _in_place_recon,
            "squared error, sigma^2 = 0.5, that it changes its input, and the caller's tensors "
            "unchanged"),
    BadLoss("np-overwrites-recon", _np_in_place, "as overwrites-recon", "numpy"),
    BadLoss("batch-in-view", lambda x, r, m, v: sq(x, r.view(32, -1)).sum() / 32
            + kl1(m, v).sum() / 32,
            "answers at the given batch; that the batch reduction cannot be known since other "
            "sizes raise: sum with a constant of 1/32, or mean, neither to be guessed"),
    BadLoss("features-in-view", lambda x, r, m, v: F.mse_loss(r.view(-1, 49), x.view(-1, 49))
            + kl1(m, v).sum(1).mean(),
            "squared error; the feature reduction may be unknowable: 98 features read as two "
            "examples do not raise, they double the batch"),
    BadLoss("three-arguments", lambda r, m, v: r.sum() + kl1(m, v).sum(),
            "an error that names the four arguments a loss takes"),
    BadLoss("five-arguments", lambda x, r, m, v, step: bern(x, r).sum() + step * kl1(m, v).sum(),
            "the same; say functools.partial"),
    BadLoss("other-order", lambda r, x, m, v: F.binary_cross_entropy(r, x, reduction="sum")
            + kl1(m, v).sum(),
            "recon_x, x as in pytorch/examples: data and output are swapped, no Bernoulli NLL but "
            "linear in the output (or an error for data outside [0, 1]); say to swap them"),
    BadLoss("mu-logvar-swapped", lambda x, r, v, m: bern(x, r).sum(1).mean()
            + kl1(m, v).sum(1).mean(),
            "that mu and logvar seem swapped: the KL is wrong, smallest where logvar is 0 and "
            "e^mu = 1"),
    BadLoss("none", lambda x, r, m, v: None, "an error: the loss returned None"),
    BadLoss("tuple", lambda x, r, m, v: (
        bern(x, r).sum() + kl1(m, v).sum(), bern(x, r).sum(), kl1(m, v).sum()),
            "an error that says which types are taken; say lambda *a: loss(*a)[0]"),
    BadLoss("dict", lambda x, r, m, v: {
        "loss": bern(x, r).sum() + kl1(m, v).sum(), "KLD": -kl1(m, v).sum()},
            "the same; say lambda *a: loss(*a)['loss']"),
    BadLoss("string", lambda x, r, m, v: "1.0", "an error: no number"),
    BadLoss("complex", lambda x, r, m, v: (bern(x, r).sum() + kl1(m, v).sum()) * (1 + 0j),
            "an error: complex"),
    BadLoss("boolean", lambda x, r, m, v: bern(x, r).sum() > 0, "an error: no number to minimise"),
    BadLoss("integer", lambda x, r, m, v: (bern(x, r).sum() + kl1(m, v).sum()).long(),
            "an error or a failed audit: rounded to whole numbers, no gradient"),
    BadLoss("anneals-itself", _Forgets(),
            "that two calls with the same inputs differ, and not by noise: its weight changes "
            "with every call; no KL constant"),
    BadLoss("kl-only-when-training", _when_training,
            "what it is when training: the KL is there when a gradient is asked for"),
    BadLoss("random-recon", lambda x, r, m, v: bern(x, r).sum(1).mean() * (1 + 0.1 * torch.rand(()))
            + kl1(m, v).sum(1).mean(),
            "that the reconstruction is noisy; answers within the noise, or None"),
    BadLoss("half", lambda x, r, m, v: (bern(x, r).sum(1).mean() + kl1(m, v).sum(1).mean()).half(),
            "Bernoulli, beta = 1, or None where half precision is too coarse to tell"),
    BadLoss("overflows", lambda x, r, m, v: bern(x, r).sum(1).mean()
            + 0.5 * (m**2 + torch.exp(torch.exp(v)) - v - 1).sum(1).mean(),
            "no crash where e^(e^lv) overflows: a wrong KL"),
    BadLoss("scaled-by-1e12", lambda x, r, m, v: 1e12 * (
        bern(x, r).sum(1).mean() + kl1(m, v).sum(1).mean()),
            "Bernoulli, constant 1e12, beta = 1"),
    BadLoss("scaled-by-1e-12", lambda x, r, m, v: 1e-12 * (
        bern(x, r).sum(1).mean() + kl1(m, v).sum(1).mean()),
            "Bernoulli, constant 1e-12, beta = 1"),
    BadLoss("large-offset", lambda x, r, m, v: 1e9 + bern(x, r).sum(1).mean()
            + kl1(m, v).sum(1).mean(),
            "Bernoulli, beta = 1: the constant 1e9 does not matter, though it eats 9 digits"),
]  # fmt: skip
