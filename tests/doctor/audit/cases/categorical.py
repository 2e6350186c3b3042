"""Text, molecules, recommendations: cross-entropies over classes."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from tests.doctor.audit.cases.building import Cases
from tests.doctor.audit.cases.formulas import bern, kl1

CASES = Cases()
case = CASES.add


case(
    "sentence-vae-midway",
    "github timbmg/Sentence-VAE train.py (logistic annealing at step x0: weight 1/2)",
    "PyTorch",
    "(1/B) [ sum_bt CE + 0.5 sum_b KL_b ]",
    (12, 40), 16, 32, "logits",
    lambda x, r, m, v: (
        F.nll_loss(F.log_softmax(r, -1).flatten(0, -2), x.argmax(-1).flatten(), reduction="sum")
        + 0.5 * (-0.5 * torch.sum(1 + v - m.pow(2) - v.exp()))
    ) / x.shape[0],
    family="categorical", rb="mean", rf="sum", kb="mean", kz="sum", kc=0.5, beta=0.5,
    target="onehot", shape_note="sizes scaled down; no padding",
)  # fmt: skip


case(
    "mult-vae",
    "github boostcampaitech5/level2_movierecommendation-recsys-09 model/loss.py (anneal at 0.2)",
    "PyTorch",
    "-mean_b sum_i x_i log softmax(a)_i + 0.2 mean_b KL_b, x many-hot",
    (120,), 20, 50, "logits",
    lambda x, r, m, v: -torch.mean(torch.sum(F.log_softmax(r, 1) * x, -1))
    + 0.2 * -0.5 * torch.mean(torch.sum(1 + v - m.pow(2) - v.exp(), dim=1)),
    family="categorical", rb="mean", rf=None, kb="mean", kz="sum", kc=0.2, beta=0.2,
    target="binary",
    contest={
        "family": "a multinomial over the clicked items, the cross-entropy with many ones",
        "feature_reduction": "one softmax over all features: a single position, summed or not",
        "kl_coefficient_per_example": "None where a multinomial is not called a likelihood",
    },
)  # fmt: skip


case(
    "keras-molecules",
    "github maxhodak/keras-molecules molecules/model.py (issue #59)",
    "Keras",
    "T mean_bd BCE + mean_b mean_l KL_bl on one-hot characters, T = 120 hard-coded",
    (120, 10), 96, 8, "prob",
    lambda x, r, m, v: (120 * bern(x.flatten(), r.flatten()).mean()
                        - 0.5 * torch.mean(1 + v - m.square() - v.exp(), dim=-1)).mean(),
    family="bce_prob", rb="mean", rf="mean", rc=120.0, kb="mean", kz="mean",
    beta=1200 / (120 * 96), target="onehot",
    bug="binary cross-entropy on one-hot characters; KL averaged: beta = charset / L; and the "
    "sampler's noise has a standard deviation of 0.01 where the KL assumes 1",
    reported="#59 'several other sources use the sum'",
    shape_note="charset 35 and L 292 scaled down",
)  # fmt: skip


case(
    "keras-categorical-per-token",
    "public code (chemical VAE in Keras: categorical_crossentropy of softmax outputs, mean over "
    "the characters)",
    "Keras",
    "mean_bt [ -sum_c x_c log(p_c / sum p) ] + mean_b KL_b",
    (30, 12), 16, 16, "prob",
    lambda x, r, m, v: -(x * torch.log(r / r.sum(-1, keepdim=True))).sum(-1).mean()
    + kl1(m, v).sum(1).mean(),
    family="categorical", rb="mean", rf="mean", kb="mean", kz="sum", beta=30.0, target="onehot",
    bug="averaged over the characters: beta = T",
    extra={"unit": "normalised probabilities"},
    contest={"family": "cross-entropy of probabilities (Keras normalises them), not of logits"},
)  # fmt: skip


case(
    "softmax-twice",
    "public code (F.cross_entropy on a decoder that ends in a softmax)",
    "PyTorch",
    "(1/B) sum_bt CE(softmax outputs as logits) + mean_b KL_b",
    (30, 12), 16, 16, "prob",
    lambda x, r, m, v: F.cross_entropy(r.flatten(0, 1), x.argmax(-1).flatten(), reduction="sum")
    / x.shape[0] + kl1(m, v).sum(1).mean(),
    family="categorical", rb="mean", rf="sum", kb="mean", kz="sum", beta=None, target="onehot",
    bug="softmax applied twice: no token's probability can exceed e / (e + V - 1)",
    contest={"kl_coefficient_per_example": "1 as a loss of logits, as in double-sigmoid"},
)  # fmt: skip


case(
    "nll-loss-of-probabilities",
    "public code (nn.NLLLoss on softmax outputs, without the logarithm)",
    "PyTorch",
    "-mean_bt p[x] + mean_b KL_b",
    (30, 12), 16, 16, "prob",
    lambda x, r, m, v: F.nll_loss(r.flatten(0, 1), x.argmax(-1).flatten())
    + kl1(m, v).sum(1).mean(),
    family="linear_in_recon", rb="mean", rf="mean", rc=None, kb="mean", kz="sum", target="onehot",
    bug="NLLLoss expects log-probabilities: the loss is linear in the output",
    contest={
        "recon_constant": "a loss linear in the output has no canonical unit",
        "feature_reduction": "D = 30 positions; features are duplicated along them",
    },
)  # fmt: skip


case(
    "kldivloss-as-reconstruction",
    "public code (nn.KLDivLoss(reduction='batchmean')(recon, x) with probabilities)",
    "PyTorch",
    "(1/B) sum_bd x (log x - p) + mean_b KL_b",
    (64,), 8, 32, "prob",
    lambda x, r, m, v: F.kl_div(r, x, reduction="batchmean") + kl1(m, v).sum(1).mean(),
    family="linear_in_recon", rb="mean", rf="sum", rc=None, kb="mean", kz="sum",
    bug="KLDivLoss expects log-probabilities as its input: linear in the output, no minimum",
    contest={"recon_constant": "a loss linear in the output has no canonical unit"},
)  # fmt: skip
