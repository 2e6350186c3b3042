"""Signs that are flipped, and those that only look so."""

from __future__ import annotations

import torch
import torch.distributions as td
import torch.nn.functional as F

from tests.doctor.audit.cases.building import Cases
from tests.doctor.audit.cases.formulas import kl1, nkl

CASES = Cases()
case = CASES.add


case(
    "returns-the-elbo",
    "public code (a function that returns the ELBO, minimised as it is)",
    "PyTorch",
    "-(1/B) sum_bd BCE - mean_b KL_b",
    (784,), 20, 100, "prob",
    lambda x, r, m, v: (x * torch.log(r) + (1 - x) * torch.log(1 - r)).sum(1).mean()
    - kl1(m, v).sum(1).mean(),
    family="bce_prob", rb="mean", rf="sum", rc=-1.0, kb="mean", kz="sum", kc=-1.0, beta=1.0,
    bug="the ELBO itself, to be maximised: minimising it fits nothing",
    contest={"kl_coefficient_per_example": "the ratio a_K / a_R is 1, the loss upside down"},
)  # fmt: skip


case(
    "log-likelihood-not-negated",
    "public code (log p(x|z) added to the KL)",
    "PyTorch",
    "+mean_b sum_d log N(x; r, 1) + mean_b KL_b",
    (30,), 6, 32, "mean",
    lambda x, r, m, v: td.Normal(r, 1.0).log_prob(x).sum(-1).mean() + nkl(m, v).sum(-1).mean(),
    family="squared_error", rb="mean", rf="sum", rc=-0.5, kb="mean", kz="sum", beta=-1.0,
    target="real",
    bug="the sign of the reconstruction is flipped: unbounded below",
    contest={
        "implied_sigma2": "a_K / (2 a_R) = -1 is no variance",
        "kl_coefficient_per_example": "a_K / (2 a_R) = -1, or None",
    },
)  # fmt: skip


case(
    "kl-subtracted-mse",
    "public code (MSE - KLD with a positive KLD)",
    "PyTorch",
    "mean_bd (x-r)^2 - mean_bl KL_bl",
    (3, 16, 16), 16, 16, "mean",
    lambda x, r, m, v: F.mse_loss(r, x) - 0.5 * torch.mean(v.exp() + m**2 - 1 - v),
    family="squared_error", rb="mean", rf="mean", kb="mean", kz="mean", kc=-1.0, beta=-24.0,
    bug="KL sign flipped: rewards leaving the prior without bound",
    contest={
        "implied_sigma2": "a_K / (2 a_R) = -24 is no variance",
        "kl_coefficient_per_example": "a_K / (2 a_R) = -24, or None",
    },
)  # fmt: skip


case(
    "kl-without-minus",
    "public code (+0.5 sum(1 + lv - mu^2 - e^lv), the minus forgotten)",
    "PyTorch",
    "sum_bd BCE - sum_b KL_b",
    (1, 28, 28), 20, 64, "prob",
    lambda x, r, m, v: F.binary_cross_entropy(r, x, reduction="sum")
    + 0.5 * torch.sum(1 + v - m.pow(2) - v.exp()),
    family="bce_prob", rb="sum", rf="sum", kb="sum", kz="sum", kc=-1.0, beta=-1.0,
    bug="KL sign flipped",
)  # fmt: skip
