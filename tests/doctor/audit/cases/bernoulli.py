"""Binary cross-entropies and their weights."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F

from tests.doctor.audit.cases.building import Cases
from tests.doctor.audit.cases.formulas import bern, bern_logit, kl1, per_ex, per_ex_mean

CASES = Cases()
case = CASES.add


case(
    "keras-io-2021",
    "github keras-team/keras-io examples/generative/vae.py since 2021",
    "Keras/TF2",
    "mean_b sum_hw mean_c BCE + mean_b KL_b, one channel",
    (28, 28, 1), 2, 128, "prob",
    lambda x, r, m, v: bern(x, r).mean(-1).sum((1, 2)).mean() + kl1(m, v).sum(1).mean(),
    family="bce_prob", rb="mean", rf="sum", kb="mean", kz="sum", beta=1.0,
)  # fmt: skip


case(
    "astronn-flatten",
    "github henrysky/astroNN models/loss/vae.py (K.flatten before binary_crossentropy)",
    "Keras",
    "mean_b [ D mean_bd BCE + KL_b ], D = x.shape[1]",
    (784,), 2, 64, "prob",
    lambda x, r, m, v: (x.shape[1] * bern(x.flatten(), r.flatten()).mean()
                        - 0.5 * (1 + v - m**2 - v.exp()).sum(-1)).mean(),
    family="bce_prob", rb="mean", rf="sum", kb="mean", kz="sum", beta=1.0,
    bug=None, shape_note="D times a mean over batch and features is the mean over the batch of "
    "sums; D is read off the array, so the features count as summed",
)  # fmt: skip


case(
    "conv-vae-sum-mean",
    "github Zzznorlax/conv-vae core/metric.py",
    "PyTorch",
    "sum_bd BCE + mean_b KL_b",
    (1, 28, 28), 16, 128, "prob",
    lambda x, r, m, v: F.binary_cross_entropy(r, x, reduction="sum")
    + (-0.5 * torch.sum(1 + v - m.pow(2) - v.exp(), dim=1)).mean(),
    family="bce_prob", rb="sum", rf="sum", kb="mean", kz="sum", beta=1 / 128,
    bug="KL averaged over the batch, reconstruction summed: beta = 1/B",
)  # fmt: skip


case(
    "wiseodd-mb-size",
    "github wiseodd/generative-models VAE (mb_size = 64; issue #40)",
    "PyTorch",
    "(1/64) sum_bd BCE + mean_b KL_b   [64 hard-coded]",
    (784,), 100, 64, "prob",
    lambda x, r, m, v: F.binary_cross_entropy(r, x, reduction="sum") / 64
    + torch.mean(0.5 * torch.sum(torch.exp(v) + m**2 - 1.0 - v, 1)),
    family="bce_prob", rb="sum", rf="sum", rc=1 / 64, kb="mean", kz="sum", beta=1.0,
    bug="none at full batches; a short batch of b gives beta = 64/b",
    fix="divide by the actual batch size",
)  # fmt: skip


case(
    "konny-h-bernoulli",
    "github 1Konny/Beta-VAE solver.py (objective H, bernoulli, beta 4)",
    "PyTorch",
    "(1/B) sum_bd BCE(logits) + 4 mean_b KL_b",
    (1, 32, 32), 10, 64, "logits",
    lambda x, r, m, v: F.binary_cross_entropy_with_logits(r, x, reduction="sum").div(x.size(0))
    + 4 * (-0.5 * (1 + v - m.pow(2) - v.exp())).sum(1).mean(),
    family="bce_logits", rb="mean", rf="sum", kb="mean", kz="sum", kc=4.0, beta=4.0,
    target="binary", shape_note="64x64 images scaled down",
)  # fmt: skip


case(
    "konny-b-capacity",
    "github 1Konny/Beta-VAE solver.py (objective B, gamma 1000, C at 20)",
    "PyTorch",
    "(1/B) sum_bd BCE(logits) + 1000 | mean_b KL_b - 20 |",
    (1, 32, 32), 10, 64, "logits",
    lambda x, r, m, v: F.binary_cross_entropy_with_logits(r, x, reduction="sum").div(x.size(0))
    + 1000 * (kl1(m, v).sum(1).mean() - 20.0).abs(),
    family="bce_logits", rb="mean", rf="sum", kb="mean", kz="sum", kc=1000.0,
    kl_form="capacity", threshold=20.0, beta=1000.0, target="binary",
    extra={"clamp": "batch", "power": 1},
)  # fmt: skip


case(
    "kvfrans-std-head",
    "github kvfrans/variational-autoencoder main.py",
    "TensorFlow",
    "mean_b [ sum_d BCE(+1e-8) + 1/2 sum_l (mu^2 + s^2 - log s^2 - 1) ]",
    (784,), 20, 100, "prob",
    lambda x, r, m, v: (
        -(x * torch.log(1e-8 + r) + (1 - x) * torch.log(1e-8 + 1 - r)).sum(1)
        + 0.5 * (m**2 + torch.exp(0.5 * v) ** 2 - torch.log(torch.exp(0.5 * v) ** 2) - 1).sum(1)
    ).mean(),
    family="bce_prob", rb="mean", rf="sum", kb="mean", kz="sum", beta=1.0,
)  # fmt: skip


case(
    "gdl2-beta-500",
    "github davidADSP/Generative_Deep_Learning_2nd_Edition 03_vae (beta = 500)",
    "Keras/TF2",
    "500 mean_bd BCE + mean_b KL_b",
    (32, 32, 1), 2, 100, "prob",
    lambda x, r, m, v: (500 * per_ex_mean(bern(x, r))).mean()
    + torch.mean(torch.sum(-0.5 * (1 + v - m**2 - v.exp()), 1)),
    family="bce_prob", rb="mean", rf="mean", rc=500.0, kb="mean", kz="sum", beta=2.048,
    bug="the 500 that is called beta stands before the reconstruction: beta = 1024/500",
)  # fmt: skip


case(
    "flax-example",
    "github google/flax examples/vae/train.py",
    "JAX/Flax",
    "mean_b sum_d BCE(logits) + mean_b KL_b",
    (784,), 20, 128, "logits",
    lambda x, r, m, v: -(x * F.logsigmoid(r) + (1 - x) * torch.log(-torch.expm1(F.logsigmoid(r))))
    .sum(1).mean() + (-0.5 * (1 + v - m.square() - v.exp()).sum(1)).mean(),
    family="bce_logits", rb="mean", rf="sum", kb="mean", kz="sum", beta=1.0, target="binary",
)  # fmt: skip


case(
    "gluon-vector-summed",
    "public code (the MXNet/Gluon VAE tutorial: a loss per example, summed by backward())",
    "MXNet",
    "sum_b [ sum_d BCE(+1e-10) + KL_b ]",
    (784,), 2, 100, "prob",
    lambda x, r, m, v: -(
        (x * torch.log(r + 1e-10) + (1 - x) * torch.log(1 - r + 1e-10)).sum(1)
        + 0.5 * (1 + v - m * m - v.exp()).sum(1)
    ).sum(),
    family="bce_prob", rb="sum", rf="sum", kb="sum", kz="sum", beta=1.0,
)  # fmt: skip


case(
    "flux-model-zoo",
    "github FluxML/model-zoo vision/mnist/vae.jl since PR #147 (M = 100)",
    "Julia/Flux",
    "(1/100) [ sum_bd BCE + 1/2 sum_bl (e^2s + mu^2 - 1 - 2s) ], s = log sigma   [100 hard-coded]",
    (784,), 5, 100, "prob",
    lambda x, r, m, v: (bern(x, r, 1.19e-7).sum()
                        + 0.5 * (torch.exp(2 * (v / 2)) + m**2 - 1 - 2 * (v / 2)).sum()) / 100,
    family="bce_prob", rb="sum", rf="sum", rc=0.01, kb="sum", kz="sum", kc=0.01, beta=1.0,
    target="binary", shape_note="the source adds weight decay",
)  # fmt: skip


case(
    "recon-mean-kl-batch-sum",
    "public code (F.binary_cross_entropy(size_average=False) / output.size(0) with a KL summed "
    "over the batch)",
    "PyTorch",
    "(1/B) sum_bd BCE + 0.5 sum_bl (e^lv + mu^2 - 1 - lv)",
    (1, 28, 28), 32, 50, "prob",
    lambda x, r, m, v: F.binary_cross_entropy(r, x, reduction="sum") / r.size(0)
    + torch.mean(0.5 * torch.sum(torch.exp(v) + m**2 - 1.0 - v)),
    family="bce_prob", rb="mean", rf="sum", kb="sum", kz="sum", beta=50.0,
    bug="torch.mean of a scalar averages nothing: the KL stays summed over the batch, beta = B",
)  # fmt: skip


case(
    "vector-plus-scalar-averaged",
    "public code (Keras: reduce_mean(recon_per_example + reduce_sum(kl)))",
    "Keras/TF2",
    "mean_b [ sum_d BCE + sum_b' KL_b' ]",
    (784,), 2, 32, "prob",
    lambda x, r, m, v: (bern(x, r).sum(1) + kl1(m, v).sum()).mean(),
    family="bce_prob", rb="mean", rf="sum", kb="sum", kz="sum", beta=32.0,
    bug="the KL of the whole batch is added to every example: beta = B",
)  # fmt: skip


case(
    "bce-imagenet-normalised",
    "public code (BCEWithLogitsLoss on images normalised by mean and standard deviation)",
    "PyTorch",
    "sum_bd BCE(logits) + sum_b KL_b with targets outside [0, 1]",
    (3, 16, 16), 32, 16, "logits",
    lambda x, r, m, v: F.binary_cross_entropy_with_logits(r, x, reduction="sum")
    + kl1(m, v).sum(),
    family="bce_logits", rb="sum", rf="sum", kb="sum", kz="sum", beta=None, target="normalised",
    bug="BCE with targets outside [0, 1]: unbounded below, no likelihood",
    fix="undo the normalisation of the targets, or a Gaussian",
)  # fmt: skip


case(
    "bce-pm1",
    "public code (images in [-1, 1] under a binary cross-entropy)",
    "Keras/TF2",
    "mean_b sum_d BCE(p) + mean_b KL_b with targets in [-1, 1]",
    (16, 16, 1), 8, 16, "prob",
    lambda x, r, m, v: per_ex(bern(x, r.clamp(1e-7, 1 - 1e-7))).mean() + kl1(m, v).sum(1).mean(),
    family="bce_prob", rb="mean", rf="sum", kb="mean", kz="sum", beta=None, target="pm1",
    bug="BCE with targets below 0: unbounded below, no likelihood",
)  # fmt: skip


case(
    "bits-per-dimension",
    "public code (the negative ELBO in bits per dimension)",
    "JAX",
    "mean_b [ sum_d BCE(logits) + KL_b ] / (784 log 2)   [784 hard-coded]",
    (784,), 20, 32, "logits",
    lambda x, r, m, v: (bern_logit(x, r).sum(1) + kl1(m, v).sum(1)).mean() / (784 * math.log(2)),
    family="bce_logits", rb="mean", rf="sum", rc=1 / (784 * math.log(2)), kb="mean", kz="sum",
    kc=1 / (784 * math.log(2)), beta=1.0, target="binary",
)  # fmt: skip


case(
    "elements-of-the-array",
    "public code ((BCE + KLD) / x.numel())",
    "PyTorch",
    "[ sum_bd BCE + sum_b KL_b ] / (B D)",
    (1, 14, 14), 20, 32, "prob",
    lambda x, r, m, v: (F.binary_cross_entropy(r, x, reduction="sum") + kl1(m, v).sum())
    / x.numel(),
    family="bce_prob", rb="mean", rf="mean", kb="mean", kz="sum", kc=1 / 196, beta=1.0,
    bug="none in scale: both terms share 1/(B D)",
    contest={"kl_constant": "divided by D as read off the array, which is no constant"},
)  # fmt: skip
