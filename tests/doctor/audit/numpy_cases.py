"""VAE losses written with NumPy alone, and losses that are wrong to call.

`NUMPY_CASES` have the fields of `loss_cases`, less what nobody asks of them; `dtype` is that of
the arrays they are written for, `random` says whether two calls differ. The truths are derived
by hand and proven in `test_loss_cases_truth.py` by a torch loss of the same formula, `twin`.
`BAD_LOSSES` say in words what a user would expect as the answer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from tests.doctor.audit.loss_cases import bern, bern_logit, kl1, mc_kl1, per_ex, sq

NUMPY_CASES: list[dict] = []


def case(id, formula, shape, n_latent, batch, recon_kind, loss, twin, *, dtype="float64",
         family, rb, rf, rc=1.0, kb="mean", kz="sum", kc=1.0, kl_form="closed", sigma2=None,
         lap_b=None, beta=None, target="unit", random=False, bug=None):  # fmt: skip
    """Add a case."""
    NUMPY_CASES.append(dict(
        id=id, formula=formula, data_shape=shape, n_latent=n_latent, batch=batch,
        recon_kind=recon_kind, target_kind=target, loss=loss, twin=twin, dtype=dtype,
        random=random, extra={}, skip=set(), truth=dict(
            family=family, batch_reduction=rb, feature_reduction=rf, recon_constant=rc,
            implied_sigma2=sigma2, implied_laplace_b=lap_b, kl_batch_reduction=kb,
            kl_latent_reduction=kz, kl_constant=kc, kl_form=kl_form,
            kl_coefficient_per_example=beta, bug=bug, kl_mu_coefficient=None,
            kl_var_argmin=None, kl_threshold=None, kl_value_offset=None),
    ))  # fmt: skip


def np_kl(mu, logvar):
    return 0.5 * (mu**2 + np.exp(logvar) - logvar - 1.0)


def np_bern(x, p):
    return -(x * np.log(p) + (1 - x) * np.log(1 - p))


def np_softplus(a):
    return np.logaddexp(0.0, a)


def flat(a):
    return a.reshape(len(a), -1)


case(
    "np-sum-sum", "sum_bd (x-r)^2 + sum_b KL_b", (28, 28), 8, 32, "mean",
    lambda x, r, m, v: np.sum((x - r) ** 2) + np.sum(np_kl(m, v)),
    lambda x, r, m, v: sq(x, r).sum() + kl1(m, v).sum(),
    family="squared_error", rb="sum", rf="sum", kb="sum", kz="sum", sigma2=0.5, beta=0.5,
)  # fmt: skip

case(
    "np-mean-mean-python-float", "mean_bd (x-r)^2 + mean_bl KL_bl as a Python float",
    (64,), 8, 16, "mean",
    lambda x, r, m, v: float(np.mean((x - r) ** 2) + np.mean(np_kl(m, v))),
    lambda x, r, m, v: sq(x, r).mean() + kl1(m, v).mean(),
    family="squared_error", rb="mean", rf="mean", kb="mean", kz="mean", sigma2=4.0, beta=4.0,
    target="real",
)  # fmt: skip

case(
    "np-bce-einsum", "(1/B) [ sum_bd BCE + sum_b KL_b ] with einsum",
    (196,), 10, 32, "prob",
    lambda x, r, m, v: (-np.einsum("bd,bd->", x, np.log(r))
                        - np.einsum("bd,bd->", 1 - x, np.log1p(-r))
                        + np.einsum("bl->", np_kl(m, v))) / x.shape[0],
    lambda x, r, m, v: (bern(x, r).sum() + kl1(m, v).sum()) / x.shape[0],
    family="bce_prob", rb="mean", rf="sum", beta=1.0,
)  # fmt: skip

case(
    "np-logits-float32", "mean_b [ sum_d BCE(logits) + 4 KL_b ] in float32, as np.float32",
    (14, 14), 10, 32, "logits",
    lambda x, r, m, v: np.float32(
        (flat(np_softplus(r) - x * r).sum(1) + np.float32(4) * np_kl(m, v).sum(1)).mean()),
    lambda x, r, m, v: (per_ex(bern_logit(x, r)) + 4 * kl1(m, v).sum(1)).mean(),
    dtype="float32", family="bce_logits", rb="mean", rf="sum", kc=4.0, beta=4.0, target="binary",
)  # fmt: skip

case(
    "np-casts-to-float32", "mean_bd (x-r)^2 + mean_b KL_b, everything cast to float32 inside",
    (14, 14), 10, 32, "mean",
    lambda x, r, m, v: np.mean((np.float32(x) - np.float32(r)) ** 2)
    + np.mean(np.sum(np_kl(np.float32(m), np.float32(v)), axis=1)),
    lambda x, r, m, v: sq(x, r).mean() + kl1(m, v).sum(1).mean(),
    dtype="float32", family="squared_error", rb="mean", rf="mean", sigma2=98.0, beta=98.0,
    bug="sigma^2 = D/2",
)  # fmt: skip

case(
    "np-l1-loop", "mean_b [ sum_d |x-r| + KL_b ], a loop over the examples",
    (20,), 4, 16, "mean",
    lambda x, r, m, v: sum(
        np.abs(x[i] - r[i]).sum() + np_kl(m[i], v[i]).sum() for i in range(len(x))) / len(x),
    lambda x, r, m, v: ((x - r).abs().sum() + kl1(m, v).sum()) / len(x),
    family="absolute_error", rb="mean", rf="sum", lap_b=1.0, beta=1.0, target="real",
)  # fmt: skip

case(
    "np-cross-entropy", "(1/B) sum_bt CE(logits) + 0.1 mean_b KL_b",
    (12, 20), 8, 16, "logits",
    lambda x, r, m, v: -np.sum(
        x * (r - np.log(np.exp(r - r.max(-1, keepdims=True)).sum(-1, keepdims=True))
             - r.max(-1, keepdims=True))) / len(x) + 0.1 * np_kl(m, v).sum(1).mean(),
    lambda x, r, m, v: -(x * F.log_softmax(r, -1)).sum() / len(x) + 0.1 * kl1(m, v).sum(1).mean(),
    family="categorical", rb="mean", rf="sum", kc=0.1, beta=0.1, target="onehot",
)  # fmt: skip

case(
    "np-gaussian-nll", "mean_b [ -sum_d log N(x; m, s^2) + KL_b ]",
    (30,), 6, 32, "mean+logvar",
    lambda x, r, m, v: np.mean(
        0.5 * np.sum((x - r[0]) ** 2 * np.exp(-r[1]) + r[1] + np.log(2 * np.pi), axis=1)
        + np_kl(m, v).sum(axis=1)),
    lambda x, r, m, v: (F.gaussian_nll_loss(r[0], x, r[1].exp(), full=True, reduction="sum")
                        + kl1(m, v).sum()) / len(x),
    family="gaussian_nll", rb="mean", rf="sum", beta=1.0, target="real",
)  # fmt: skip

_GENERATOR = np.random.default_rng(0)


def _np_mc(m, v, generator=None):
    noise = (generator or np.random).standard_normal(m.shape)
    z = m + np.exp(0.5 * v) * noise
    return 0.5 * (z**2 - noise**2 - v)


case(
    "np-mc-own-generator", "mean_b [ sum_d BCE + log q(z) - log p(z) ], a module's own generator",
    (49,), 6, 32, "prob",
    lambda x, r, m, v: (np_bern(x, r).sum(1) + _np_mc(m, v, _GENERATOR).sum(1)).mean(),
    lambda x, r, m, v: (bern(x, r).sum(1) + mc_kl1(m, v).sum(1)).mean(),
    family="bce_prob", rb="mean", rf="sum", kl_form="mc", beta=1.0, random=True,
)  # fmt: skip

case(
    "np-mc-global-state", "mean_bd (x-r)^2 + mean_bl [ log q(z) - log p(z) ] with np.random",
    (49,), 7, 32, "mean",
    lambda x, r, m, v: np.mean((x - r) ** 2) + np.mean(_np_mc(m, v)),
    lambda x, r, m, v: sq(x, r).mean() + mc_kl1(m, v).mean(),
    family="squared_error", rb="mean", rf="mean", kl_form="mc", kz="mean", sigma2=3.5, beta=3.5,
    random=True,
)  # fmt: skip

case(
    "np-mc-seeded-inside", "mean_b [ 1/2 sum_d (x-r)^2 + log q(z) - log p(z) ], seed 0 in the call",
    (20,), 4, 64, "mean",
    lambda x, r, m, v: np.mean(0.5 * ((x - r) ** 2).sum(1)
                               + _np_mc(m, v, np.random.default_rng(0)).sum(1)),
    lambda x, r, m, v: 0.5 * sq(x, r).sum(1).mean() + mc_kl1(m, v).sum(1).mean(),
    family="squared_error", rb="mean", rf="sum", rc=0.5, kl_form="mc", sigma2=1.0, beta=1.0,
    target="real", bug="the same noise at every call: no two calls differ, no estimate improves",
)  # fmt: skip

case(
    "np-kl-flipped", "mean_b sum_d BCE - mean_b KL_b", (49,), 6, 32, "prob",
    lambda x, r, m, v: np_bern(x, r).sum(-1).mean()
    + 0.5 * np.sum(1 + v - np.square(m) - np.exp(v), axis=-1).mean(),
    lambda x, r, m, v: bern(x, r).sum(-1).mean() - kl1(m, v).sum(-1).mean(),
    family="bce_prob", rb="mean", rf="sum", kc=-1.0, beta=-1.0, bug="KL sign flipped",
)  # fmt: skip

case(
    "np-zero-dimensional", "sum_bd BCE + 0.5 sum_b KL_b as a zero-dimensional array",
    (49,), 6, 32, "prob",
    lambda x, r, m, v: np.asarray(np_bern(x, r).sum() + 0.5 * np_kl(m, v).sum()),
    lambda x, r, m, v: bern(x, r).sum() + 0.5 * kl1(m, v).sum(),
    family="bce_prob", rb="sum", rf="sum", kb="sum", kc=0.5, beta=0.5,
)  # fmt: skip

case(
    "np-one-element", "mean_b [ sum_d (x-r)^2 + KL_b ] as an array of shape (1,)",
    (49,), 6, 32, "mean",
    lambda x, r, m, v: np.array([((x - r) ** 2).sum(1).mean() + np_kl(m, v).sum(1).mean()]),
    lambda x, r, m, v: sq(x, r).sum(1).mean() + kl1(m, v).sum(1).mean(),
    family="squared_error", rb="mean", rf="sum", sigma2=0.5, beta=0.5,
)  # fmt: skip


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
