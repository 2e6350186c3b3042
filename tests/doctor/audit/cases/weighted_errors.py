"""Errors whose features or examples count differently."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from tests.doctor.audit.cases.building import Cases
from tests.doctor.audit.cases.formulas import kl1, sq

CASES = Cases()
case = CASES.add


case(
    "gae-weighted",
    "github tkipf/gae gae/optimizer.py (issue #72), 64 nodes",
    "TensorFlow",
    "norm mean_bd [ weighted CE(logits), pos_weight 9 ] + (1/64) mean_b KL_b   [64 hard-coded]",
    (64,), 16, 64, "logits",
    lambda x, r, m, v: 0.55 * F.binary_cross_entropy_with_logits(
        r, x, pos_weight=torch.tensor(9.0, dtype=x.dtype))
    - (0.5 / 64) * (1 + 2 * (v / 2) - m**2 - torch.exp(v / 2) ** 2).sum(1).mean(),
    family="unknown", rb="mean", rf="mean", rc=None, kb="mean", kz="sum", kc=1 / 64,
    target="binary",
    reported="#72 reads the sign as flipped: it is not",
    shape_note="a graph of 64 nodes; an adjacency row is an example",
    contest={"family": "a Bernoulli NLL whose ones count nine times"},
)  # fmt: skip


case(
    "bright-pixels-count-ten",
    "public code (pixel weights 1 + 9 [x > 0.5])",
    "PyTorch",
    "(1/B) sum_bd w(x) (x-r)^2 + mean_b KL_b",
    (1, 28, 28), 8, 16, "mean",
    lambda x, r, m, v: ((1 + 9 * (x > 0.5)) * sq(x, r)).sum() / x.shape[0]
    + kl1(m, v).sum(1).mean(),
    family="unknown", rb="mean", rf="sum", rc=None, kb="mean", kz="sum",
    contest={
        "family": "a squared error with a weight, a Gaussian whose variance depends on x",
        "recon_constant": "anything from 1 to 10",
        "implied_sigma2": "anything from 0.05 to 0.5",
        "kl_coefficient_per_example": "anything from 0.05 to 0.5",
    },
)  # fmt: skip


case(
    "masked-mean",
    "public code (missing values: squared error over the observed ones only)",
    "PyTorch",
    "sum_bd [x > 0.3] (x-r)^2 / sum_bd [x > 0.3] + 0.001 mean_b KL_b",
    (40,), 8, 32, "mean",
    lambda x, r, m, v: ((x > 0.3) * sq(x, r)).sum() / (x > 0.3).sum()
    + 0.001 * kl1(m, v).sum(1).mean(),
    family="unknown", rb="mean", rf="mean", rc=None, kb="mean", kz="sum", kc=0.001,
    contest={
        "family": "a squared error on the observed features",
        "recon_constant": "D B / observed, about 1.43, on the observed features; 0 on the others",
        "implied_sigma2": "0.001 observed / (2 B) on the observed features, about 0.014",
        "kl_coefficient_per_example": "as implied_sigma2",
    },
)  # fmt: skip


case(
    "luma-weights",
    "public code (channels weighted as luma)",
    "PyTorch",
    "(1/B) sum_bhw [ .299 e_R^2 + .587 e_G^2 + .114 e_B^2 ] + mean_b KL_b, channels last",
    (16, 16, 3), 16, 16, "mean",
    lambda x, r, m, v: (sq(x, r) * torch.tensor([0.299, 0.587, 0.114], dtype=x.dtype)).sum()
    / x.shape[0] + kl1(m, v).sum(1).mean(),
    family="unknown", rb="mean", rf="sum", rc=None, kb="mean", kz="sum",
    contest={
        "family": "a squared error with one weight a channel",
        "recon_constant": "1/3 on average",
        "implied_sigma2": "1.5 on average",
        "kl_coefficient_per_example": "1.5 on average",
    },
)  # fmt: skip
