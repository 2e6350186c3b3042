"""No KL, in the value or in the gradient."""

from __future__ import annotations

import torch.nn.functional as F

from tests.doctor.audit.cases.building import Cases
from tests.doctor.audit.cases.formulas import bern, kl1

CASES = Cases()
case = CASES.add


case(
    "no-kl",
    "public code (the KL computed, logged, and not added)",
    "PyTorch",
    "sum_bd BCE",
    (1, 28, 28), 16, 32, "prob",
    lambda x, r, m, v: F.binary_cross_entropy(r, x, reduction="sum"),
    family="bce_prob", rb="sum", rf="sum", kl_form="absent", beta=None, bug="no KL",
)  # fmt: skip


case(
    "kl-times-zero",
    "public code (warm-up weight epoch / epochs at epoch 0)",
    "PyTorch",
    "mean_bd (x-r)^2 + 0 mean_b KL_b",
    (60,), 8, 32, "mean",
    lambda x, r, m, v: F.mse_loss(r, x) + 0.0 * kl1(m, v).sum(1).mean(),
    family="squared_error", rb="mean", rf="mean", kl_form="absent", target="real",
    bug="the KL's weight is 0",
    contest={
        "implied_sigma2": "0 rather than None",
        "kl_coefficient_per_example": "0 rather than None",
        "kl_constant": "0 rather than None",
    },
)  # fmt: skip


_DETACHED = {
    "kl_form": "in the value the KL is there; in the gradient, all that trains, it is not",
    "kl_batch_reduction": "mean by the value",
    "kl_latent_reduction": "sum by the value",
    "kl_constant": "1 by the value",
    "kl_coefficient_per_example": "1 by the value",
}


case(
    "kl-item",
    "public code (bce + kl.item())",
    "PyTorch",
    "mean_b sum_d BCE + a number",
    (196,), 8, 32, "prob",
    lambda x, r, m, v: bern(x, r).sum(1).mean() + kl1(m, v).sum(1).mean().item(),
    family="bce_prob", rb="mean", rf="sum", kl_form="absent", contest=_DETACHED,
    bug="the KL is added as a number: no gradient reaches the encoder through it",
    extra={"detached": True},
)  # fmt: skip


case(
    "mu-detached",
    "public code (mu.data, logvar.data in the KL)",
    "PyTorch",
    "mean_b sum_d BCE + mean_b KL_b without gradient",
    (196,), 8, 32, "prob",
    lambda x, r, m, v: bern(x, r).sum(1).mean() + kl1(m.detach(), v.detach()).sum(1).mean(),
    family="bce_prob", rb="mean", rf="sum", kl_form="absent", contest=_DETACHED,
    bug="the KL is taken of detached tensors: no gradient reaches the encoder through it",
    extra={"detached": True},
)  # fmt: skip
