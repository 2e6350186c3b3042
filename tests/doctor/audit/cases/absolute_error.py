"""Absolute errors and their weights."""

from __future__ import annotations

import torch
import torch.distributions as td
import torch.nn.functional as F

from tests.doctor.audit.cases.building import Cases
from tests.doctor.audit.cases.formulas import kl1, nkl, per_ex

CASES = Cases()
case = CASES.add


case(
    "act-l1-kl10",
    "github tonyzhaozh/act policy.py (kl_weight 10; chunk 100 x 14)",
    "PyTorch",
    "mean_btd |x-r| + 10 mean_b KL_b",
    (20, 14), 32, 8, "mean",
    lambda x, r, m, v: F.l1_loss(x, r, reduction="none").mean() + 10 * kl1(m, v).sum(1).mean(),
    family="absolute_error", rb="mean", rf="mean", kb="mean", kz="sum", kc=10.0,
    lap_b=2800.0, beta=2800.0, target="real",
    bug="an absolute error averaged over all actions with a KL times 10: b = 10 D",
    shape_note="chunk of 20 for 100; nothing padded",
)  # fmt: skip


case(
    "l1-sum-kl-sum",
    "public code (F.l1_loss(reduction='sum') + KLD)",
    "PyTorch",
    "sum_bd |x-r| + sum_b KL_b",
    (80,), 16, 32, "mean",
    lambda x, r, m, v: F.l1_loss(r, x, reduction="sum") + kl1(m, v).sum(),
    family="absolute_error", rb="sum", rf="sum", kb="sum", kz="sum", lap_b=1.0, beta=1.0,
    target="real",
)  # fmt: skip


case(
    "mel-l1-kl-mean",
    "public code (speech: mel spectrogram L1 mean, KL mean over everything, weight 1e-4)",
    "PyTorch",
    "mean_bd |x-r| + 1e-4 mean_bl KL_bl",
    (80, 20), 32, 16, "mean",
    lambda x, r, m, v: F.l1_loss(r, x) + 1e-4 * -0.5 * torch.mean(1 + v - m.pow(2) - v.exp()),
    family="absolute_error", rb="mean", rf="mean", kb="mean", kz="mean", kc=1e-4,
    lap_b=0.005, beta=0.005, target="real",
)  # fmt: skip


case(
    "mmvae-laplace-075",
    "public code (multimodal VAEs: Laplace decoder with scale 0.75)",
    "PyTorch",
    "-mean_b sum_d log Laplace(x; r, 0.75) + mean_b KL_b",
    (3, 16, 16), 20, 16, "mean",
    lambda x, r, m, v: -per_ex(td.Laplace(r, 0.75).log_prob(x)).mean() + nkl(m, v).sum(-1).mean(),
    family="absolute_error", rb="mean", rf="sum", rc=4 / 3, kb="mean", kz="sum",
    lap_b=0.75, beta=0.75, target="real",
)  # fmt: skip
