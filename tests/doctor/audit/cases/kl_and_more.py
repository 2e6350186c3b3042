"""The KL, and more that pulls at the latents."""

from __future__ import annotations

import torch
import torch.distributions as td
import torch.nn.functional as F

from tests.doctor.audit.cases.building import Cases
from tests.doctor.audit.cases.formulas import bern, bern_logit, kl1, mmd, sample, sq

CASES = Cases()
case = CASES.add
_EXTRA = {
    "implied_sigma2": "of the KL alone; None if the extra term is held against it",
    "kl_coefficient_per_example": "of the KL alone; None if the extra term is held against it",
    "kl_constant": "of the KL alone; not every probe can part it from the extra term",
    "kl_batch_reduction": "of the KL alone; not every probe can part it from the extra term",
    "kl_latent_reduction": "of the KL alone; not every probe can part it from the extra term",
    "kl_form": "the sum is not proportional to the KL: wrong, for whoever cannot part them",
}


def _dip(cov, off, on):
    diag = torch.diagonal(cov)
    return off * (cov - torch.diag(diag)).pow(2).sum() + on * (diag - 1).pow(2).sum()


def _cov(m):
    c = m - m.mean(0, keepdim=True)
    return c.t() @ c / m.shape[0]


case(
    "dip-vae-1",
    "public code (DIP-VAE-I; weights 10 and 5)",
    "PyTorch",
    "mean_b sum_d BCE + mean_b KL_b + 10 sum_(i!=j) Cov(mu)_ij^2 + 5 sum_i (Cov(mu)_ii - 1)^2",
    (196,), 6, 64, "prob",
    lambda x, r, m, v: bern(x, r).sum(1).mean() + kl1(m, v).sum(1).mean()
    + _dip(_cov(m), 10.0, 5.0),
    family="bce_prob", rb="mean", rf="sum", kb="mean", kz="sum", kl_form="extra", beta=1.0,
    contest=_EXTRA, adds=lambda m, v: _dip(_cov(m), 10.0, 5.0),
)  # fmt: skip


case(
    "dip-vae-2",
    "public code (DIP-VAE-II: Cov(mu) + mean_b diag(sigma^2); sums as in AntixK dip_vae.py)",
    "PyTorch",
    "sum_bd (x-r)^2 + sum_b KL_b + 0.05 sum_(i!=j) C_ij^2 + 0.1 sum_i (C_ii - 1)^2",
    (3, 16, 16), 16, 32, "mean",
    lambda x, r, m, v: F.mse_loss(r, x, reduction="sum") + kl1(m, v).sum()
    + _dip(_cov(m) + torch.diag(v.exp().mean(0)), 0.05, 0.1),
    family="squared_error", rb="sum", rf="sum", kb="sum", kz="sum", kl_form="extra",
    sigma2=0.5, beta=0.5, contest=_EXTRA,
    adds=lambda m, v: _dip(_cov(m) + torch.diag(v.exp().mean(0)), 0.05, 0.1),
)  # fmt: skip


case(
    "infovae-mmd",
    "public code (InfoVAE: half the KL and 100 times the MMD)",
    "PyTorch",
    "mean_b sum_d (x-r)^2 / 2 + 0.5 mean_b KL_b + 100 MMD(z, N(0, 1))",
    (60,), 8, 64, "mean",
    lambda x, r, m, v: 0.5 * sq(x, r).sum(1).mean() + 0.5 * kl1(m, v).sum(1).mean()
    + 100.0 * mmd(sample(m, v), 8.0),
    family="squared_error", rb="mean", rf="sum", rc=0.5, kb="mean", kz="sum", kc=0.5,
    kl_form="extra", sigma2=0.5, beta=0.5, target="real", contest=_EXTRA,
    adds=lambda m, v: 100.0 * mmd(sample(m, v), 8.0),
)  # fmt: skip


case(
    "l1-on-means",
    "public code (a sparse code: the KL and 0.5 |mu|)",
    "PyTorch",
    "sum_bd BCE + sum_b KL_b + 0.5 sum_bl |mu|",
    (196,), 8, 32, "prob",
    lambda x, r, m, v: F.binary_cross_entropy(r, x, reduction="sum") + kl1(m, v).sum()
    + 0.5 * m.abs().sum(),
    family="bce_prob", rb="sum", rf="sum", kb="sum", kz="sum", kl_form="extra", beta=1.0,
    contest=_EXTRA, adds=lambda m, v: 0.5 * m.abs().sum(),
)  # fmt: skip


case(
    "l2-on-means",
    "public code (the KL and 0.1 mu^2)",
    "PyTorch",
    "mean_b [ sum_d (x-r)^2 + KL_b + 0.1 sum_l mu^2 ]",
    (60,), 8, 32, "mean",
    lambda x, r, m, v: (sq(x, r).sum(1) + kl1(m, v).sum(1) + 0.1 * m.pow(2).sum(1)).mean(),
    family="squared_error", rb="mean", rf="sum", kb="mean", kz="sum", kl_form="extra",
    sigma2=0.5, beta=0.5, target="real",
    contest=_EXTRA | {"kl_form": "the sum is also a wrong KL: 1.2 of mu^2 / 2, argmin at 0"},
    adds=lambda m, v: 0.1 * m.pow(2).sum(1).mean(),
)  # fmt: skip


def _tc(m, v):
    """Minibatch-weighted total correlation of z ~ q, in nats an example, without log(B N)."""
    z = sample(m, v)
    q = td.Normal(m[None], torch.exp(0.5 * v)[None]).log_prob(z[:, None])
    return (torch.logsumexp(q.sum(-1), 1) - torch.logsumexp(q, 1).sum(-1)).mean()


case(
    "beta-tc",
    "public code (beta-TC-VAE as KL + (beta - 1) TC, beta = 6)",
    "PyTorch",
    "mean_b sum_d BCE(logits) + mean_b KL_b + 5 TC",
    (196,), 8, 32, "logits",
    lambda x, r, m, v: bern_logit(x, r).sum(1).mean() + kl1(m, v).sum(1).mean() + 5 * _tc(m, v),
    family="bce_logits", rb="mean", rf="sum", kb="mean", kz="sum", kl_form="extra", beta=1.0,
    target="binary", contest=_EXTRA, adds=lambda m, v: 5 * _tc(m, v),
)  # fmt: skip
