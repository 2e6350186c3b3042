"""Further VAE losses met in public code, in the format and conventions of `loss_cases`.

Every truth was derived by hand; `test_loss_cases_truth.py` proves them against
`torch.distributions` and duplication. Beyond the conventions of `loss_cases`:

kl_form `absent`: nothing in the loss pulls q towards a prior; then every KL answer is None.
rb, rf: known when the reconstruction adds up over examples, features; None where it does not,
    as in a norm of everything. A mean over one axis alone that is not the first is a constant:
    features are duplicated along the first feature axis.
rc, kc: None where no multiple of the family's unit, of the KL, of mu^2 / 2 (a wrong KL) fits.
offset: value of the KL term less the KL, nats per example, where the KL lacks its constant.
threshold: nats, of what is clamped or held; `extra["clamp"]` says what that is.
beta of a wrong KL is None, as is sigma2; of an extra one the KL's own.

`CONTESTABLE` names, case by case, the answers that rest on a convention, each with the reason.
"""

from __future__ import annotations

import math

import torch
import torch.distributions as td
import torch.nn.functional as F

from tests.doctor.audit import loss_cases as _base

bern, bern_logit, gauss = _base.bern, _base.bern_logit, _base.gauss
kl1, mc_kl1, make_inputs = _base.kl1, _base.mc_kl1, _base.make_inputs
per_ex, per_ex_mean, sq = _base.per_ex, _base.per_ex_mean, _base.sq

CASES: list[dict] = []
CONTESTABLE: dict[str, dict[str, str]] = {}
EXTRAS: dict[str, object] = {}  # what an `extra` case adds to a_K * KL, as (mu, logvar) -> value


def case(id, source, framework, formula, shape, n_latent, batch, recon_kind, loss, **truth):
    """Add a case; `contest` maps a field to why its answer rests on a convention."""
    contest = truth.pop("contest", None)
    adds = truth.pop("adds", None)
    absent = truth.get("kl_form") == "absent"
    nones = {k: truth.pop(k) for k in ("kb", "kz") if k in truth and truth[k] is None}
    if absent:
        truth |= {"kc": None}
        nones = {"kb": None, "kz": None}
    _base.case(id, source, framework, formula, shape, n_latent, batch, recon_kind, loss, **truth)
    made = _base.CASES.pop()
    for key, field in (("kb", "kl_batch_reduction"), ("kz", "kl_latent_reduction")):
        if key in nones:
            made["truth"][field] = None
            made["truth"]["kl_reduction"] = None
    CASES.append(made)
    if contest:
        CONTESTABLE[id] = contest
    if adds:
        EXTRAS[id] = adds


def nkl(m, v):
    """The KL per latent by torch.distributions, as many write it."""
    return td.kl_divergence(td.Normal(m, torch.exp(0.5 * v)), td.Normal(0.0, 1.0))


def xent(x, a):
    """Cross-entropy per position of one-hot x under logits a."""
    return -(x * F.log_softmax(a, -1)).sum(-1)


def sample(m, v):
    return m + torch.exp(0.5 * v) * torch.randn_like(m)


# ---- the usual losses and their weights ----------------------------------------------------------

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
    "keras-io-rgb-mse",
    "public code (keras-io's VAE taken to colour images with keras.losses.mean_squared_error)",
    "Keras/TF2",
    "mean_b sum_hw mean_c (x-r)^2 + mean_b KL_b, three channels last",
    (16, 16, 3), 16, 32, "mean",
    lambda x, r, m, v: sq(x, r).mean(-1).sum((1, 2)).mean() + kl1(m, v).sum(1).mean(),
    family="squared_error", rb="mean", rf="sum", rc=1 / 3, kb="mean", kz="sum",
    sigma2=1.5, beta=1.5,
    bug="Keras' losses average over the last axis: a third of the SSE, sigma^2 = C/2",
    contest={
        "feature_reduction": "sum over two axes, mean over the third",
        "recon_constant": "1/3 with rf sum, H*W with rf mean",
    },
)  # fmt: skip

case(
    "channels-first-per-channel",
    "public code (per-channel MSE averaged over the channels, summed over the pixels)",
    "PyTorch",
    "mean_b sum_hw mean_c (x-r)^2 + mean_b KL_b, channels first",
    (3, 16, 16), 16, 32, "mean",
    lambda x, r, m, v: sq(x, r).mean(1).sum((1, 2)).mean() + kl1(m, v).sum(1).mean(),
    family="squared_error", rb="mean", rf="mean", rc=256.0, kb="mean", kz="sum",
    sigma2=1.5, beta=1.5,
    bug="a third of the SSE; the same loss as keras-io-rgb-mse with the axes in another order",
    contest={
        "feature_reduction": "mean over the first axis, sum over two",
        "recon_constant": "256 with rf mean, 1/3 with rf sum",
    },
)  # fmt: skip

case(
    "vae-faces-keras-mse",
    "github ML3ARN/vae_faces losses.py",
    "Keras/TF2",
    "mean_bd (x-r)^2 + 0.01 mean_bl KL_bl",
    (32, 32, 3), 64, 32, "mean",
    lambda x, r, m, v: sq(x, r).mean(-1).mean()
    + 0.01 * -0.5 * torch.mean(1 + v - m.square() - v.exp()),
    family="squared_error", rb="mean", rf="mean", kb="mean", kz="mean", kc=0.01,
    sigma2=0.24, beta=0.24, shape_note="sizes illustrative",
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
    "shk-lis-sum-and-weighted-mean",
    "github Tupryk/SHK_LIS imitation_learning/loss/vae_loss.py",
    "PyTorch",
    "sum_bd (x-r)^2 + 0.00025 mean_b KL_b",
    (3, 16, 16), 32, 64, "mean",
    lambda x, r, m, v: F.mse_loss(r, x, reduction="sum")
    + 0.00025 * torch.mean(-0.5 * torch.sum(1 + v - m**2 - v.exp(), dim=1), dim=0),
    family="squared_error", rb="sum", rf="sum", kb="mean", kz="sum", kc=0.00025,
    sigma2=0.00025 / 128, beta=0.00025 / 128,
    bug="the weight of a pixel mean kept with a sum over batch and pixels: sigma^2 = 2e-6",
)  # fmt: skip

case(
    "praxis-500-sse",
    "github lowhornj/praxis_research esce/tkgngc/utils.py",
    "PyTorch",
    "500 sum_bd (x-r)^2 + mean_b KL_b",
    (40,), 8, 32, "mean",
    lambda x, r, m, v: 500 * F.mse_loss(r, x, reduction="sum")
    + (-0.5 * torch.sum(1 + v - m.pow(2) - v.exp(), dim=1)).mean(),
    family="squared_error", rb="sum", rf="sum", rc=500.0, kb="mean", kz="sum",
    sigma2=1 / 32000, beta=1 / 32000, target="real",
    bug="reconstruction summed over the batch and times 500, KL averaged",
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
    "mlpipeline-09",
    "github TheRomanOne/ML_pipeline loss_functions.py",
    "PyTorch",
    "sum_bd (x-r)^2 + 0.9 sum_b KL_b",
    (3, 16, 16), 24, 16, "mean",
    lambda x, r, m, v: F.mse_loss(r, x, reduction="sum")
    + 0.9 * (-0.5 * torch.sum(1 + v - m.pow(2) - v.exp())),
    family="squared_error", rb="sum", rf="sum", kb="sum", kz="sum", kc=0.9,
    sigma2=0.45, beta=0.45,
)  # fmt: skip

case(
    "bunnies-kl-over-latents",
    "github stuartfong1/improving-badly-drawn-bunnies python/KL_loss.py",
    "PyTorch",
    "mean_bd (x-r)^2 + (1/L) sum_bl KL_bl",
    (250,), 128, 50, "mean",
    lambda x, r, m, v: sq(x, r).mean()
    + (-0.5 / m.shape[1]) * torch.sum(1 + v - torch.square(m) - torch.exp(v)),
    family="squared_error", rb="mean", rf="mean", kb="sum", kz="mean",
    sigma2=50 * 250 / 256, beta=50 * 250 / 256, target="real",
    bug="summed over the batch although the latents are averaged and the rest is a mean",
    shape_note="the source's reconstruction is a Gaussian mixture over pen strokes",
)  # fmt: skip

case(
    "podgorskiy-tenth-mean-mean",
    "github podgorskiy/VAE VAE.py (issue #1)",
    "PyTorch",
    "mean_bd (x-r)^2 + 0.1 mean_b mean_l KL_bl, images in [-1, 1]",
    (3, 32, 32), 512, 8, "mean",
    lambda x, r, m, v: torch.mean((r - x) ** 2)
    + -0.5 * torch.mean(torch.mean(1 + v - m.pow(2) - v.exp(), 1)) * 0.1,
    family="squared_error", rb="mean", rf="mean", kb="mean", kz="mean", kc=0.1,
    sigma2=0.3, beta=0.3, target="pm1",
    reported="#1 'should be torch.sum over the latents'; 'all reconstructions the same' when it is",
    shape_note="128x128 images scaled down",
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
    "konny-h-gaussian-sigmoid-inside",
    "github 1Konny/Beta-VAE solver.py (gaussian: sigmoid inside the loss, then MSE)",
    "PyTorch",
    "(1/B) sum_bd (x - sigmoid(a))^2 + 4 mean_b KL_b",
    (3, 16, 16), 10, 16, "logits",
    lambda x, r, m, v: F.mse_loss(torch.sigmoid(r), x, reduction="sum").div(x.size(0))
    + 4 * kl1(m, v).sum(1).mean(),
    family="unknown", rb="mean", rf="sum", rc=None, kb="mean", kz="sum", kc=4.0,
    bug="the loss is no squared error of what it is given: the sigmoid is inside",
    contest={
        "family": "a squared error of sigmoid(a), sigma^2 = 2; of a itself it is none",
        "recon_constant": "1 for the squared error of sigmoid(a)",
        "implied_sigma2": "2 for the squared error of sigmoid(a)",
        "kl_coefficient_per_example": "2 for the squared error of sigmoid(a)",
    },
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
    "gdl1-1000-mse",
    "github davidADSP/GDL_code (r_loss_factor 1000 on K.mean(K.square, axis=[1,2,3]))",
    "Keras",
    "1000 mean_bd (x-r)^2 + mean_b KL_b",
    (32, 32, 3), 200, 32, "mean",
    lambda x, r, m, v: (1000 * per_ex_mean(sq(x, r))
                        - 0.5 * (1 + v - m**2 - v.exp()).sum(1)).mean(),
    family="squared_error", rb="mean", rf="mean", rc=1000.0, kb="mean", kz="sum",
    sigma2=1.536, beta=1.536, shape_note="128x128 images scaled down (there sigma^2 = 24.6)",
)  # fmt: skip

case(
    "bolts-mse-mc",
    "github Lightning-AI/lightning-bolts VAE (kl_coeff 0.1)",
    "PyTorch",
    "mean_bd (x-r)^2 + 0.1 mean_bl [ log q(z) - log p(z) ]",
    (3, 32, 32), 256, 32, "mean",
    lambda x, r, m, v: F.mse_loss(r, x, reduction="mean") + 0.1 * mc_kl1(m, v).mean(),
    family="squared_error", rb="mean", rf="mean", kb="mean", kz="mean", kc=0.1, kl_form="mc",
    sigma2=0.6, beta=0.6,
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
    "mod-batch-over-dataset",
    "github AntixK/PyTorch-VAE issue #11 (M_N = batch_size / num_train_imgs)",
    "PyTorch",
    "mean_bd (x-r)^2 + (B/162770) mean_b KL_b",
    (3, 16, 16), 128, 64, "mean",
    lambda x, r, m, v: F.mse_loss(r, x) + x.shape[0] / 162770 * kl1(m, v).sum(1).mean(),
    family="squared_error", rb="mean", rf="mean", kb="sum", kz="sum", kc=1 / 162770,
    sigma2=64 * 768 / 2 / 162770, beta=64 * 768 / 2 / 162770, kl_dataset_size=162770,
    bug="beta depends on the sizes of batch and data set: B D / (2 N)",
)  # fmt: skip

case(
    "hard-coded-100",
    "public code (batch of 100 hard-coded, both terms)",
    "PyTorch",
    "(1/100) [ sum_bd (x-r)^2 / 2 + sum_b KL_b ]",
    (28, 28), 8, 100, "mean",
    lambda x, r, m, v: (0.5 * sq(x, r).sum() + kl1(m, v).sum()) / 100,
    family="squared_error", rb="sum", rf="sum", rc=0.005, kb="sum", kz="sum", kc=0.01,
    sigma2=1.0, beta=1.0,
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
    "vector-plus-scalar-summed",
    "public code (a loss per example plus the KL of the whole batch, summed)",
    "PyTorch",
    "sum_b [ sum_d (x-r)^2 + sum_b' KL_b' ]",
    (64,), 8, 20, "mean",
    lambda x, r, m, v: (sq(x, r).sum(1) + kl1(m, v).sum()).sum(),
    family="squared_error", rb="sum", rf="sum", kb="sum_times_batch", kz="sum",
    sigma2=10.0, beta=10.0, target="real",
    bug="broadcasting adds the batch's KL to every example: beta is B times too large",
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
    "batch-divided-twice",
    "public code (KL per example, then divided by the batch size again)",
    "PyTorch",
    "(1/B) sum_bd (x-r)^2 + (1/B) mean_b KL_b",
    (3, 16, 16), 16, 32, "mean",
    lambda x, r, m, v: sq(x, r).sum() / x.size(0) + kl1(m, v).sum(1).mean() / x.size(0),
    family="squared_error", rb="mean", rf="sum", kb=None, kz="sum", kc=None,
    sigma2=1 / 64, beta=1 / 64,
    bug="a stray division by the batch size: a_K = 1/B^2, beta falls as the batch grows",
    contest={
        "kl_batch_reduction": "1/B^2 is neither sum nor mean; 'mean' with constant 1/B at this B",
        "kl_constant": "1/32 with 'mean' at this batch size",
    },
)  # fmt: skip

case(
    "sdxl-vae-finetune",
    "public code (VAE fine-tuning scripts for diffusers' AutoencoderKL: MSE mean, kl_scale 1e-6)",
    "PyTorch",
    "mean_bd (x-r)^2 + 1e-6 mean_b KL_b",
    (3, 32, 32), 64, 8, "mean",
    lambda x, r, m, v: F.mse_loss(r.float(), x.float(), reduction="mean").to(x.dtype)
    + 1e-6 * 0.5 * torch.sum(m.pow(2) + v.exp() - 1.0 - v, dim=1).mean(),
    family="squared_error", rb="mean", rf="mean", kb="mean", kz="sum", kc=1e-6,
    sigma2=0.001536, beta=0.001536, target="pm1",
    bug=None, shape_note="sizes scaled down; LPIPS left out; r.float(): only single precision",
)  # fmt: skip

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

case(
    "falcon-lightning-tutorial",
    "public code (VAE-from-scratch tutorial in Lightning: gaussian_likelihood with scale 1, "
    "Monte Carlo KL)",
    "PyTorch",
    "mean_b [ sum_l (log q(z) - log p(z)) - sum_d log N(x; r, 1) ]",
    (3, 16, 16), 32, 16, "mean",
    lambda x, r, m, v: (_mc_torch(m, v) - td.Normal(r, 1.0).log_prob(x).sum((1, 2, 3))).mean(),
    family="squared_error", rb="mean", rf="sum", rc=0.5, kb="mean", kz="sum", kl_form="mc",
    sigma2=1.0, beta=1.0,
)  # fmt: skip


def _mc_torch(m, v):
    """One-sample KL per example by torch.distributions."""
    std = torch.exp(v / 2)
    q, p = td.Normal(m, std), td.Normal(torch.zeros_like(m), torch.ones_like(std))
    z = q.rsample()
    return (q.log_prob(z) - p.log_prob(z)).sum(-1)


case(
    "log-prob-mean-kl-mean",
    "public code (-Normal(recon, 1).log_prob(x).mean() + kl_divergence(q, p).mean())",
    "PyTorch",
    "-mean_bd log N(x; r, 1) + mean_bl KL_bl",
    (100,), 10, 50, "mean",
    lambda x, r, m, v: -td.Normal(r, 1.0).log_prob(x).mean() + nkl(m, v).mean(),
    family="squared_error", rb="mean", rf="mean", rc=0.5, kb="mean", kz="mean",
    sigma2=10.0, beta=10.0, target="real",
    bug="both means, over different numbers of elements: beta = D/L",
)  # fmt: skip

case(
    "gaussian-nll-loss-mean",
    "public code (F.gaussian_nll_loss with its default mean, KL summed over the latents)",
    "PyTorch",
    "mean_bd 1/2 (log s^2 + (x-m)^2/s^2) + mean_b KL_b",
    (60,), 8, 32, "mean+logvar",
    lambda x, r, m, v: F.gaussian_nll_loss(r[0], x, r[1].exp()) + kl1(m, v).sum(1).mean(),
    family="gaussian_nll", rb="mean", rf="mean", kb="mean", kz="sum", beta=60.0, target="real",
    bug="the likelihood averaged over the features: beta = D",
)  # fmt: skip

case(
    "scvi-like-normal",
    "github scverse/scvi-tools (a module's loss: mean(reconst_loss + kl_weight * kl), Normal "
    "likelihood, kl_weight halfway up)",
    "PyTorch",
    "mean_b [ -sum_d log N(x; m, s^2) + 0.5 KL_b ]",
    (50,), 10, 64, "mean+logvar",
    lambda x, r, m, v: (-td.Normal(r[0], torch.exp(0.5 * r[1])).log_prob(x).sum(-1)
                        + 0.5 * nkl(m, v).sum(1)).mean(),
    family="gaussian_nll", rb="mean", rf="sum", kb="mean", kz="sum", kc=0.5, beta=0.5,
    target="real",
)  # fmt: skip

# ---- text, molecules, recommendations ------------------------------------------------------------

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

# ---- other reconstructions -----------------------------------------------------------------------

case(
    "mld-smooth-l1",
    "public code (motion VAEs: SmoothL1 mean, KL mean with 1e-4)",
    "PyTorch",
    "mean_bd huber_1(x-r) + 1e-4 mean_bl KL_bl",
    (60, 6), 32, 16, "mean",
    lambda x, r, m, v: F.smooth_l1_loss(r, x) + 1e-4 * nkl(m, v).mean(),
    family="unknown", rb="mean", rf="mean", rc=None, kb="mean", kz="mean", kc=1e-4,
    target="real",
    contest={
        "family": "half a squared error for errors below 1, which is all an audit of small "
        "errors would see",
        "recon_constant": "1/2 for errors below 1",
        "implied_sigma2": "1e-4 D / L for errors below 1",
        "kl_coefficient_per_example": "1e-4 D / L for errors below 1",
    },
)  # fmt: skip

case(
    "huber-01-sum",
    "public code (F.huber_loss(delta=0.1, reduction='sum'))",
    "PyTorch",
    "sum_bd huber_0.1(x-r) + sum_b KL_b",
    (60,), 8, 16, "mean",
    lambda x, r, m, v: F.huber_loss(r, x, reduction="sum", delta=0.1) + kl1(m, v).sum(),
    family="unknown", rb="sum", rf="sum", rc=None, kb="sum", kz="sum", target="real",
)  # fmt: skip

case(
    "antixk-logcosh",
    "github AntixK/PyTorch-VAE logcosh_vae.py (alpha set to 10, beta to 1, M_N 0.00025)",
    "PyTorch",
    "(1/a) mean_bd log cosh(a (r-x)) + 0.00025 mean_b KL_b, a = 10",
    (3, 16, 16), 128, 64, "mean",
    lambda x, r, m, v: (10.0 * (r - x) + torch.log1p(torch.exp(-20.0 * (r - x))) - math.log(2.0))
    .mean() / 10.0 + 0.00025 * kl1(m, v).sum(1).mean(),
    family="log_cosh", rb="mean", rf="mean", rc=None, kb="mean", kz="sum", kc=0.00025,
    contest={
        "family": "log cosh of ten times the error; of the error itself it is none. For errors "
        "well above 0.1 an absolute error, for those well below 5 squared errors",
        "implied_laplace_b": "0.192 in the limit of large errors",
        "recon_constant": "no multiple of log cosh(r - x) fits",
        "kl_coefficient_per_example": "0.192 against |x - r|, its limit for large errors",
    },
)  # fmt: skip

case(
    "keras-log-cosh",
    "public code (keras.losses.log_cosh times the number of features)",
    "Keras/TF2",
    "mean_b [ D mean_d log cosh(r-x) + KL_b ], D = 40 hard-coded",
    (40,), 4, 32, "mean",
    lambda x, r, m, v: (40 * ((r - x) + F.softplus(-2.0 * (r - x)) - math.log(2.0)).mean(-1)
                        + kl1(m, v).sum(-1)).mean(),
    family="log_cosh", rb="mean", rf="mean", rc=40.0, kb="mean", kz="sum", beta=None,
    target="real",
    contest={
        "kl_coefficient_per_example": "1 as the density of a hyperbolic secant",
        "recon_constant": "of the unit log cosh(r - x)",
    },
)  # fmt: skip

case(
    "rmse-mean",
    "public code ('Root mean square' reconstruction: sqrt(MSELoss) + mean KL)",
    "PyTorch",
    "sqrt(mean_bd (x-r)^2) + mean_bl KL_bl",
    (1, 28, 28), 16, 32, "mean",
    lambda x, r, m, v: torch.sqrt(F.mse_loss(r, x)) - 0.5 * torch.mean(1 + v - m**2 - v.exp()),
    family="unknown", rb=None, rf=None, rc=None, kb="mean", kz="mean",
    bug="a root of the batch's mean squared error: no sum over examples, no likelihood",
)  # fmt: skip

case(
    "norm-of-everything",
    "public code (torch.norm(x - recon) + KLD)",
    "PyTorch",
    "sqrt(sum_bd (x-r)^2) + sum_b KL_b",
    (50,), 8, 32, "mean",
    lambda x, r, m, v: torch.norm(x - r) + kl1(m, v).sum(),
    family="unknown", rb=None, rf=None, rc=None, kb="sum", kz="sum", target="real",
    bug="grows with the root of the number of examples and features",
)  # fmt: skip

case(
    "norm-per-example",
    "public code (torch.norm(x - recon, dim=1).mean())",
    "PyTorch",
    "mean_b sqrt(sum_d (x-r)^2) + mean_b KL_b",
    (50,), 8, 32, "mean",
    lambda x, r, m, v: torch.linalg.vector_norm(x - r, dim=1).mean() + kl1(m, v).sum(1).mean(),
    family="unknown", rb="mean", rf=None, rc=None, kb="mean", kz="sum", target="real",
)  # fmt: skip

case(
    "spectral-convergence-l1",
    "public code (audio VAE: Frobenius ratio + L1 + 0.001 KL)",
    "PyTorch",
    "||x-r|| / (||x|| + 1e-8) + mean_bd |x-r| + 0.001 mean_b KL_b",
    (40, 10), 16, 8, "mean",
    lambda x, r, m, v: torch.linalg.vector_norm(x - r) / (torch.linalg.vector_norm(x) + 1e-8)
    + F.l1_loss(r, x) + 0.001 * kl1(m, v).sum() / x.size(0),
    family="unknown", rb=None, rf=None, rc=None, kb="mean", kz="sum", kc=0.001, target="real",
)  # fmt: skip

case(
    "cosine",
    "public code (1 - cosine similarity of embeddings)",
    "PyTorch",
    "mean_b [1 - cos(x, r)] + 0.01 mean_b KL_b",
    (128,), 16, 32, "mean",
    lambda x, r, m, v: (1 - F.cosine_similarity(r, x, dim=1)).mean()
    + 0.01 * kl1(m, v).sum(1).mean(),
    family="unknown", rb="mean", rf=None, rc=None, kb="mean", kz="sum", kc=0.01, target="real",
)  # fmt: skip

case(
    "ssim-global",
    "public code (half MSE, half 1 - SSIM with the statistics of the whole batch)",
    "PyTorch",
    "0.5 mean_bd (x-r)^2 + 0.5 (1 - SSIM) + 0.001 mean_b KL_b",
    (1, 16, 16), 8, 16, "mean",
    lambda x, r, m, v: 0.5 * F.mse_loss(r, x) + 0.5 * (1 - _ssim(x, r))
    + 0.001 * kl1(m, v).sum(1).mean(),
    family="unknown", rb=None, rf=None, rc=None, kb="mean", kz="sum", kc=0.001,
)  # fmt: skip


def _ssim(x, r, c1=1e-4, c2=9e-4):
    """SSIM with one window over everything."""
    mx, mr = x.mean(), r.mean()
    cov = ((x - mx) * (r - mr)).mean()
    top = (2 * mx * mr + c1) * (2 * cov + c2)
    spread = x.var(unbiased=False) + r.var(unbiased=False) + c2
    return top / ((mx**2 + mr**2 + c1) * spread)


case(
    "mse-plus-l1",
    "public code (MSE + L1, both means)",
    "PyTorch",
    "mean_bd [ (x-r)^2 + |x-r| ] + 0.01 mean_b KL_b",
    (3, 16, 16), 16, 16, "mean",
    lambda x, r, m, v: F.mse_loss(r, x) + F.l1_loss(r, x) + 0.01 * kl1(m, v).sum(1).mean(),
    family="unknown", rb="mean", rf="mean", rc=None, kb="mean", kz="sum", kc=0.01,
)  # fmt: skip

case(
    "bce-plus-mse",
    "public code (BCE and MSE of the same output added)",
    "PyTorch",
    "sum_bd [ BCE + (x-p)^2 ] + sum_b KL_b",
    (1, 28, 28), 16, 16, "prob",
    lambda x, r, m, v: F.binary_cross_entropy(r, x, reduction="sum")
    + F.mse_loss(r, x, reduction="sum") + kl1(m, v).sum(),
    family="unknown", rb="sum", rf="sum", rc=None, kb="sum", kz="sum",
)  # fmt: skip

case(
    "total-variation",
    "public code (MSE plus total variation of the output)",
    "PyTorch",
    "(1/B) sum_bd (x-r)^2 + (0.1/B) sum |r_i - r_(i+1)| + mean_b KL_b",
    (1, 16, 16), 8, 16, "mean",
    lambda x, r, m, v: (sq(x, r).sum() + 0.1 * (r[..., 1:] - r[..., :-1]).abs().sum()
                        + 0.1 * (r[..., 1:, :] - r[..., :-1, :]).abs().sum()
                        + kl1(m, v).sum()) / x.shape[0],
    family="unknown", rb="mean", rf=None, rc=None, kb="mean", kz="sum",
    contest={
        "family": "a squared error with a penalty on the output",
        "feature_reduction": "sum, but for the neighbours",
        "implied_sigma2": "0.5 without the penalty",
        "kl_coefficient_per_example": "0.5 without the penalty",
    },
)  # fmt: skip

case(
    "student-t",
    "public code (Student-t decoder with 3 degrees of freedom)",
    "PyTorch",
    "-mean_b sum_d log t_3(x; r) + mean_b KL_b",
    (30,), 6, 32, "mean",
    lambda x, r, m, v: -td.StudentT(3.0, r).log_prob(x).sum(1).mean() + nkl(m, v).sum(1).mean(),
    family="unknown", rb="mean", rf="sum", rc=None, kb="mean", kz="sum", target="real",
    contest={
        "recon_constant": "1 in nats of a Student-t",
        "kl_coefficient_per_example": "1: a normalised density, but none an audit knows",
    },
)  # fmt: skip

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

# ---- signs ---------------------------------------------------------------------------------------

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

# ---- KL terms that keep their shape --------------------------------------------------------------

case(
    "kl-without-half",
    "public code (-sum(1 + lv - mu^2 - e^lv), the 0.5 forgotten)",
    "PyTorch",
    "sum_bd BCE + 2 sum_b KL_b",
    (1, 28, 28), 16, 64, "prob",
    lambda x, r, m, v: F.binary_cross_entropy(r, x, reduction="sum")
    - torch.sum(1 + v - m.pow(2) - v.exp()),
    family="bce_prob", rb="sum", rf="sum", kb="sum", kz="sum", kc=2.0, beta=2.0,
    bug="twice the KL",
)  # fmt: skip

case(
    "kl-without-half-means",
    "public code (k1 = k2 = 0.1; mean(mu*mu) + mean(exp(lv)) - mean(lv) - 1; a classifier's loss "
    "beside it)",
    "PyTorch",
    "0.1 mean_bd (x-r)^2 + 0.2 mean_bl KL_bl",
    (128,), 16, 32, "mean",
    lambda x, r, m, v: 0.1 * F.mse_loss(r, x)
    + 0.1 * (torch.mean(m * m) + torch.mean(torch.exp(v)) - torch.mean(v) - 1),
    family="squared_error", rb="mean", rf="mean", rc=0.1, kb="mean", kz="mean", kc=0.2,
    sigma2=8.0, beta=8.0, target="real",
    bug="twice the KL, and means over different numbers of elements: sigma^2 = D/L",
)  # fmt: skip

case(
    "kl-missing-minus-one",
    "public code (0.5 sum(mu^2 + e^lv - lv), the constant forgotten)",
    "PyTorch",
    "(1/B) sum_bd (x-r)^2 / 2 + mean_b [ KL_b + L/2 ]",
    (40,), 12, 32, "mean",
    lambda x, r, m, v: 0.5 * sq(x, r).sum(1).mean() + 0.5 * (m**2 + v.exp() - v).sum(1).mean(),
    family="squared_error", rb="mean", rf="sum", rc=0.5, kb="mean", kz="sum",
    sigma2=1.0, beta=1.0, offset=6.0, target="real",
    bug="the value is L/2 nats an example too high; the gradient is right",
    contest={"kl_value_offset": "in nats an example here; loss_cases does not define its unit"},
)  # fmt: skip

case(
    "kl-std-plus-epsilon",
    "public code (std = softplus(.), log(std + 1e-8))",
    "TensorFlow",
    "mean_b sum_d BCE(clipped) + mean_b 1/2 sum_l (mu^2 + s^2 - 2 log(s + 1e-8) - 1)",
    (784,), 20, 64, "prob",
    lambda x, r, m, v: bern(x, r.clamp(1e-8, 1 - 1e-8)).sum(1).mean()
    + 0.5 * (m**2 + (0.5 * v).exp() ** 2 - 2 * torch.log(1e-8 + (0.5 * v).exp()) - 1)
    .sum(1).mean(),
    family="bce_prob", rb="mean", rf="sum", kb="mean", kz="sum", beta=1.0,
)  # fmt: skip

case(
    "distributions-kl-mean",
    "public code (torch.distributions.kl_divergence(q, p).mean() with a summed likelihood)",
    "PyTorch",
    "-mean_b sum_d log Bernoulli(x; logits) + mean_bl KL_bl",
    (784,), 40, 50, "logits",
    lambda x, r, m, v: -td.Independent(td.Bernoulli(logits=r), 1).log_prob(x).mean()
    + nkl(m, v).mean(),
    family="bce_logits", rb="mean", rf="sum", kb="mean", kz="mean", beta=1 / 40,
    target="binary", bug="KL averaged over the latents: beta = 1/L",
)  # fmt: skip

case(
    "mvn-kl",
    "public code (MultivariateNormal with a diagonal scale_tril)",
    "PyTorch",
    "(1/B) sum_bd (x-r)^2 + mean_b KL_b",
    (20,), 5, 16, "mean",
    lambda x, r, m, v: sq(x, r).sum(-1).mean() + td.kl_divergence(
        td.MultivariateNormal(m, scale_tril=torch.diag_embed(torch.exp(0.5 * v))),
        td.MultivariateNormal(torch.zeros_like(m), torch.eye(m.shape[1], dtype=m.dtype)),
    ).mean(),
    family="squared_error", rb="mean", rf="sum", kb="mean", kz="sum", sigma2=0.5, beta=0.5,
    target="real",
)  # fmt: skip

case(
    "mc-mean-of-everything",
    "public code ((log q - log p).mean() over batch and latents, BCE summed)",
    "PyTorch",
    "sum_bd BCE + mean_bl [ log q(z) - log p(z) ]",
    (196,), 16, 32, "prob",
    lambda x, r, m, v: F.binary_cross_entropy(r, x, reduction="sum") + mc_kl1(m, v).mean(),
    family="bce_prob", rb="sum", rf="sum", kb="mean", kz="mean", kl_form="mc", beta=1 / 512,
    bug="a mean over batch and latents against a sum: beta = 1/(B L)",
)  # fmt: skip

case(
    "mc-analytic-entropy",
    "public code (-E log p(z) by one sample, the entropy of q in closed form)",
    "JAX",
    "mean_b [ sum_d BCE(logits) - log p(z) - H(q) ]",
    (196,), 16, 32, "logits",
    lambda x, r, m, v: bern_logit(x, r).sum(1).mean()
    + (-td.Normal(0.0, 1.0).log_prob(sample(m, v)).sum(1)
       - td.Normal(m, (0.5 * v).exp()).entropy().sum(1)).mean(),
    family="bce_logits", rb="mean", rf="sum", kb="mean", kz="sum", kl_form="mc", beta=1.0,
    target="binary",
)  # fmt: skip

case(
    "mc-ten-samples",
    "public code (KL by ten samples of z)",
    "PyTorch",
    "(1/B) sum_bd (x-r)^2 / 2 + mean_b mean_10 [ log q(z) - log p(z) ]",
    (60,), 8, 32, "mean",
    lambda x, r, m, v: 0.5 * sq(x, r).sum(1).mean()
    + torch.stack([mc_kl1(m, v).sum(1) for _ in range(10)]).mean(),
    family="squared_error", rb="mean", rf="sum", rc=0.5, kb="mean", kz="sum", kl_form="mc",
    sigma2=1.0, beta=1.0, target="real",
)  # fmt: skip

# ---- free bits and capacities --------------------------------------------------------------------

case(
    "free-bits-per-latent",
    "public code (text VAE: max(KL per latent and example, 0.1))",
    "PyTorch",
    "(1/B) sum_bt CE + mean_b sum_l max(KL_bl, 0.1)",
    (12, 40), 16, 32, "logits",
    lambda x, r, m, v: xent(x, r).sum(-1).mean() + kl1(m, v).clamp(min=0.1).sum(1).mean(),
    family="categorical", rb="mean", rf="sum", kb="mean", kz="sum", kl_form="free_bits",
    threshold=0.1, beta=1.0, target="onehot", extra={"clamp": "latent"},
    contest={"kl_threshold": "0.1 a latent, 1.6 an example"},
)  # fmt: skip

case(
    "free-bits-latent-batch-mean",
    "public code (IAF-style: sum_l max(mean_b KL_bl, 0.25))",
    "TensorFlow",
    "mean_b sum_d BCE(logits) + sum_l max(mean_b KL_bl, 0.25)",
    (784,), 32, 32, "logits",
    lambda x, r, m, v: per_ex(bern_logit(x, r)).mean() + kl1(m, v).mean(0).clamp(min=0.25).sum(),
    family="bce_logits", rb="mean", rf="sum", kb="mean", kz="sum", kl_form="free_bits",
    threshold=0.25, beta=1.0, target="binary", extra={"clamp": "latent_batch_mean"},
    contest={"kl_threshold": "0.25 a latent, 8 an example"},
)  # fmt: skip

case(
    "free-bits-batch-mean",
    "public code (torch.clamp(kl.mean(), min=3))",
    "PyTorch",
    "(1/B) sum_bd (x-r)^2 / 2 + max(mean_b KL_b, 3)",
    (60,), 8, 32, "mean",
    lambda x, r, m, v: 0.5 * sq(x, r).sum(1).mean() + kl1(m, v).sum(1).mean().clamp(min=3.0),
    family="squared_error", rb="mean", rf="sum", rc=0.5, kb="mean", kz="sum",
    kl_form="free_bits", threshold=3.0, sigma2=1.0, beta=1.0, target="real",
    extra={"clamp": "batch"},
)  # fmt: skip

case(
    "bn-vae-fb2-mask",
    "github valdersoul/bn-vae text_anneal_fb.py fb == 2 (issue #2)",
    "PyTorch",
    "mean_b [ sum_t CE + sum_l KL_bl [KL_bl > 0.2] ]",
    (12, 40), 16, 32, "logits",
    lambda x, r, m, v: (xent(x, r).sum(-1)
                        + ((kl1(m, v) > 0.2).to(x.dtype) * kl1(m, v)).sum(dim=1)).mean(),
    family="categorical", rb="mean", rf="sum", kb="mean", kz="sum", kl_form="free_bits",
    threshold=0.2, beta=1.0, target="onehot", extra={"clamp": "latent", "mask": True},
    bug=None, reported="#2 asks which of the two codes is free bits",
    contest={
        "kl_threshold": "0.2 a latent, 3.2 an example",
        "kl_form": "the gradient of free bits; the value falls to 0 below the threshold",
    },
)  # fmt: skip

case(
    "capacity-squared",
    "public code (gamma (KL - C)^2 of the batch mean)",
    "PyTorch",
    "(1/B) sum_bd (x-r)^2 + 10 (mean_b KL_b - 5)^2",
    (60,), 8, 32, "mean",
    lambda x, r, m, v: sq(x, r).sum(1).mean() + 10.0 * (kl1(m, v).sum(1).mean() - 5.0) ** 2,
    family="squared_error", rb="mean", rf="sum", kb="mean", kz="sum", kc=None,
    kl_form="capacity", threshold=5.0, target="real", extra={"clamp": "batch", "power": 2,
                                                             "gamma": 10.0},
    contest={
        "kl_constant": "the slope in the KL is 20 (KL - 5): no number",
        "kl_form": "capacity, though the square makes it no constant slope",
        "implied_sigma2": "depends on the KL",
        "kl_coefficient_per_example": "depends on the KL",
    },
)  # fmt: skip

case(
    "capacity-per-example",
    "public code (gamma |KL_b - C| of every example, C still at 0.5)",
    "Keras/TF2",
    "mean_b [ sum_d BCE + 100 |KL_b - 0.5| ]",
    (784,), 6, 32, "prob",
    lambda x, r, m, v: (bern(x, r).sum(1) + 100.0 * (kl1(m, v).sum(1) - 0.5).abs()).mean(),
    family="bce_prob", rb="mean", rf="sum", kb="mean", kz="sum", kc=100.0, kl_form="capacity",
    threshold=0.5, beta=100.0, extra={"clamp": "example", "power": 1},
)  # fmt: skip

# ---- KL terms that are something else ------------------------------------------------------------

case(
    "keras-blog-sigma",
    "blog.keras.io building-autoencoders-in-keras (2016; sampler mu + exp(z_log_sigma) eps); the "
    "question stats.stackexchange 318184; pytorch/examples #225",
    "Keras",
    "mean_bd BCE + mean_bl 1/2 (s + mu^2 - 1 - log s), s = the standard deviation",
    (784,), 2, 100, "prob",
    lambda x, r, m, v: (per_ex_mean(bern(x, r)) - 0.5 * torch.mean(
        1 + v / 2 - m.square() - torch.exp(v / 2), dim=-1)).mean(),
    family="bce_prob", rb="mean", rf="mean", kb="mean", kz="mean", kl_form="wrong",
    mu_beta=392.0, var_argmin=0.0,
    bug="the head is log sigma to the sampler and log sigma^2 to the KL",
    var_note="s - log s is smallest at s = 1, as the KL is, but only a quarter as curved there",
)  # fmt: skip

case(
    "logvar-read-as-log-sigma",
    "public code (sampler exp(0.5 lv), KL written for log sigma)",
    "PyTorch",
    "sum_bd (x-r)^2 + sum_bl 1/2 (e^2lv + mu^2 - 1 - 2 lv)",
    (60,), 8, 32, "mean",
    lambda x, r, m, v: sq(x, r).sum() - 0.5 * torch.sum(1 + 2 * v - m**2 - torch.exp(2 * v)),
    family="squared_error", rb="sum", rf="sum", kb="sum", kz="sum", kl_form="wrong",
    mu_beta=0.5, var_argmin=0.0, target="real",
    bug="lv taken for log sigma in the KL only",
    var_note="smallest at variance 1, as the KL is, but four times as curved there",
)  # fmt: skip

case(
    "exp-half-logvar",
    "public code (std = exp(0.5 lv) put where the KL has the variance)",
    "PyTorch",
    "sum_bd BCE - 1/2 sum_bl (1 + lv - mu^2 - e^(lv/2))",
    (1, 28, 28), 16, 64, "prob",
    lambda x, r, m, v: F.binary_cross_entropy(r, x, reduction="sum")
    - 0.5 * torch.sum(1 + v - m**2 - torch.exp(0.5 * v)),
    family="bce_prob", rb="sum", rf="sum", kb="sum", kz="sum", kl_form="wrong",
    mu_beta=1.0, var_argmin=2 * math.log(2.0),
    bug="the standard deviation for the variance: the variance part is smallest at variance 4",
)  # fmt: skip

case(
    "flux-before-76",
    "github FluxML/model-zoo vae.jl before PR #76 (issue #73)",
    "Julia/Flux",
    "(1/100) [ sum_bd BCE + 1/2 sum_bl (e^2s + mu^2 - 1 + s^2) ], s = log sigma   [100 hard-coded]",
    (784,), 5, 100, "prob",
    lambda x, r, m, v: (bern(x, r, 1.19e-7).sum()
                        + 0.5 * (torch.exp(v) + m**2 - 1 + (v / 2) ** 2).sum()) / 100,
    family="bce_prob", rb="sum", rf="sum", rc=0.01, kb="sum", kz="sum", kc=0.01,
    kl_form="wrong", mu_beta=1.0, var_argmin=-0.8526055020137255, target="binary",
    bug="log sigma squared for 2 log sigma: the variance part is smallest at variance 0.426",
    var_note="e^lv = -lv / 2, lv = -W(2)",
)  # fmt: skip

case(
    "flux-before-147",
    "github FluxML/model-zoo vae.jl between PR #76 and PR #147",
    "Julia/Flux",
    "(1/100) [ sum_bd BCE + 1/2 sum_bl (e^2s + mu^2 - 1 + 2s) ], s = log sigma   [100 hard-coded]",
    (784,), 5, 100, "prob",
    lambda x, r, m, v: (bern(x, r, 1.19e-7).sum()
                        + 0.5 * (torch.exp(v) + m**2 - 1 + v).sum()) / 100,
    family="bce_prob", rb="sum", rf="sum", rc=0.01, kb="sum", kz="sum", kc=0.01,
    kl_form="wrong", mu_beta=1.0, var_argmin=None, target="binary",
    bug="sign of the log: the variance is pushed to 0 without end",
    var_note="unbounded below: no smallest",
)  # fmt: skip

case(
    "exp-in-place",
    "github min9813/vae_practice src/lib/lossfunction/kl_div.py (q_log_var.exp_() before the sum; "
    "here on a copy); public Keras code (1 + exp(z_log_var) - z_mean^2 - exp(z_log_var))",
    "PyTorch",
    "mean_bd (x-r)^2 - 1/2 mean_bl (1 + e^lv - mu^2 - e^lv)",
    (60,), 8, 32, "mean",
    lambda x, r, m, v: F.mse_loss(r, x) - 0.5 * torch.mean(1 + v.exp() - m * m - v.exp()),
    family="squared_error", rb="mean", rf="mean", kb="mean", kz="mean", kl_form="wrong",
    mu_beta=60 / 8 / 2, var_argmin=None, target="real",
    bug="exp_() overwrites the log-variance it is subtracted from: both cancel, mu^2 is left",
    var_note="the variance does not matter",
)  # fmt: skip

case(
    "means-for-log-sigmas",
    "github tushar-mahalya/Text-to-Image-Synthesis loss_function.py (both slices are [:, :128])",
    "Keras",
    "sum_bd BCE + mean_bl [ -mu + 1/2 (e^2mu - 1 + mu^2) ]",
    (196,), 16, 32, "prob",
    lambda x, r, m, v: F.binary_cross_entropy(r, x, reduction="sum")
    + torch.mean(-m + 0.5 * (-1 + torch.exp(2.0 * m) + m**2)),
    family="bce_prob", rb="sum", rf="sum", kb="mean", kz="mean", kc=None, kl_form="wrong",
    var_argmin=None,
    bug="the means are sliced out twice and stand for the log standard deviations too",
    var_note="the variance does not matter",
    contest={"kl_constant": "the curvature in mu is 1 + 4 e^2mu over 2: no number"},
)  # fmt: skip

case(
    "mu-only",
    "public code (a regulariser on the means alone, as in a regularised autoencoder)",
    "PyTorch",
    "mean_b [ sum_d (x-r)^2 + 1/2 sum_l mu^2 ]",
    (60,), 8, 32, "mean",
    lambda x, r, m, v: (sq(x, r).sum(1) + 0.5 * m.pow(2).sum(1)).mean(),
    family="squared_error", rb="mean", rf="sum", kb="mean", kz="sum", kl_form="wrong",
    mu_beta=0.5, var_argmin=None, target="real",
    bug="nothing holds the variance: it goes to 0", var_note="the variance does not matter",
)  # fmt: skip

case(
    "no-log-variance",
    "public code (0.5 sum(mu^2 + e^lv - 1), the log forgotten)",
    "PyTorch",
    "sum_bd BCE + 1/2 sum_bl (mu^2 + e^lv - 1)",
    (196,), 8, 32, "prob",
    lambda x, r, m, v: F.binary_cross_entropy(r, x, reduction="sum")
    + 0.5 * torch.sum(m**2 + v.exp() - 1),
    family="bce_prob", rb="sum", rf="sum", kb="sum", kz="sum", kl_form="wrong", mu_beta=1.0,
    var_argmin=None, bug="without its log the variance goes to 0", var_note="falls for ever",
)  # fmt: skip

case(
    "no-exp",
    "public code (-0.5 sum(1 + lv - mu^2 - lv^2), a square for the exponential)",
    "PyTorch",
    "sum_bd BCE + 1/2 sum_bl (mu^2 + lv^2 - lv - 1)",
    (196,), 8, 32, "prob",
    lambda x, r, m, v: F.binary_cross_entropy(r, x, reduction="sum")
    - 0.5 * torch.sum(1 + v - m.pow(2) - v.pow(2)),
    family="bce_prob", rb="sum", rf="sum", kb="sum", kz="sum", kl_form="wrong", mu_beta=1.0,
    var_argmin=0.5, bug="the variance part is smallest at variance e^(1/2) = 1.65",
)  # fmt: skip

case(
    "mu-sign",
    "public code (-0.5 sum(1 + lv + mu^2 - e^lv), the sign before mu^2)",
    "PyTorch",
    "mean_bd (x-r)^2 + mean_bl 1/2 (e^lv - lv - 1 - mu^2)",
    (60,), 8, 32, "mean",
    lambda x, r, m, v: F.mse_loss(r, x) - 0.5 * torch.mean(1 + v + m.pow(2) - v.exp()),
    family="squared_error", rb="mean", rf="mean", kb="mean", kz="mean", kc=-1.0,
    kl_form="wrong", mu_beta=-60 / 8 / 2, var_argmin=0.0, target="real",
    bug="the means are pushed apart without bound",
)  # fmt: skip

case(
    "reversed-kl",
    "public code (kl_divergence(p, q) for kl_divergence(q, p))",
    "PyTorch",
    "(1/B) sum_bd (x-r)^2 / 2 + mean_b KL(N(0,1) || q)",
    (60,), 8, 32, "mean",
    lambda x, r, m, v: 0.5 * sq(x, r).sum(1).mean() + td.kl_divergence(
        td.Normal(torch.zeros_like(m), torch.ones_like(m)), td.Normal(m, (0.5 * v).exp())
    ).sum(1).mean(),
    family="squared_error", rb="mean", rf="sum", rc=0.5, kb="mean", kz="sum", kc=None,
    kl_form="wrong", var_argmin=0.0, target="real",
    bug="1/2 (lv + (1 + mu^2) e^-lv - 1): the arguments are swapped",
    var_note="at mu = 0; in general at e^lv = 1 + mu^2",
    contest={
        "kl_constant": "mu^2 / 2 times e^-lv: 1 at variance 1",
        "kl_mu_coefficient": "1 at variance 1",
        "kl_var_argmin": "0 at mu = 0, log(1 + mu^2) elsewhere",
    },
)  # fmt: skip

case(
    "prior-of-variance-a-quarter",
    "public code (prior Normal(0, 0.5))",
    "PyTorch",
    "mean_b [ sum_d BCE + KL(q || N(0, 1/4)) ]",
    (196,), 8, 32, "prob",
    lambda x, r, m, v: bern(x, r).sum(1).mean()
    + td.kl_divergence(td.Normal(m, (0.5 * v).exp()), td.Normal(0.0, 0.5)).sum(1).mean(),
    family="bce_prob", rb="mean", rf="sum", kb="mean", kz="sum", kc=4.0, kl_form="wrong",
    mu_beta=4.0, var_argmin=-2 * math.log(2.0),
    bug="the prior is N(0, 1/4): decode samples of that, not of N(0, 1)",
    contest={
        "kl_form": "a KL, but to N(0, 1/4); no multiple of the KL to N(0, 1)",
        "kl_constant": "4, of mu^2 / 2; 1, of the KL to its own prior",
    },
)  # fmt: skip

case(
    "log-ratio-through-kl-div",
    "github barisbatuhan/SSuperGAN functional/losses/kl_loss.py (the form commented out there)",
    "PyTorch",
    "sum_bd BCE + (1/B) sum_bl q(z) [ log q(z) - log p(z) ]",
    (196,), 16, 32, "prob",
    lambda x, r, m, v: F.binary_cross_entropy(r, x, reduction="sum") + _kl_div_of_samples(m, v),
    family="bce_prob", rb="sum", rf="sum", kb="mean", kz="sum", kc=None, kl_form="wrong",
    bug="F.kl_div weighs every sampled log ratio by q(z) once more",
    var_note="random",
    contest={
        "kl_form": "sampled, but no estimate of the KL",
        "kl_batch_reduction": "hard to see through the noise",
        "kl_latent_reduction": "hard to see through the noise",
        "kl_var_argmin": "not derived",
        "kl_mu_coefficient": "not derived",
    },
)  # fmt: skip


def _kl_div_of_samples(m, v):
    q, p = td.Normal(m, (0.5 * v).exp()), td.Normal(torch.zeros_like(m), torch.ones_like(m))
    z = q.rsample()
    return F.kl_div(p.log_prob(z), q.log_prob(z), reduction="batchmean", log_target=True)


def _mmd(z, scale):
    """Biased MMD^2 of z against as many samples of N(0, 1)."""
    y = torch.randn_like(z)
    k = lambda a, b: torch.exp(-(a[:, None] - b[None]).pow(2).mean(-1) / scale).mean()  # noqa: E731
    return k(z, z) + k(y, y) - 2 * k(z, y)


case(
    "mmd-only",
    "public code (MMD-VAE after ShengjiaZhao/MMD-Variational-Autoencoder: MSE + MMD)",
    "PyTorch",
    "mean_bd (x-r)^2 + MMD(z, N(0, 1))",
    (60,), 8, 64, "mean",
    lambda x, r, m, v: F.mse_loss(r, x) + _mmd(sample(m, v), 8.0),
    family="squared_error", rb="mean", rf="mean", kb=None, kz=None, kc=None, kl_form="wrong",
    target="real", bug=None, var_note="random; the aggregate, not each q, is matched to the prior",
    contest={
        "kl_form": "no KL at all, but a regulariser of its own: wrong, extra or absent",
        "kl_var_argmin": "none of a single q",
        "kl_mu_coefficient": "not quadratic",
    },
)  # fmt: skip

# ---- no KL ---------------------------------------------------------------------------------------

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

# ---- the KL and more -----------------------------------------------------------------------------

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
    + 100.0 * _mmd(sample(m, v), 8.0),
    family="squared_error", rb="mean", rf="sum", rc=0.5, kb="mean", kz="sum", kc=0.5,
    kl_form="extra", sigma2=0.5, beta=0.5, target="real", contest=_EXTRA,
    adds=lambda m, v: 100.0 * _mmd(sample(m, v), 8.0),
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

# ---- more traps ----------------------------------------------------------------------------------

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

case(
    "kl-per-feature",
    "public code (KL divided by D = x[0].numel() to match a mean MSE)",
    "PyTorch",
    "mean_bd (x-r)^2 + (1/D) mean_b KL_b",
    (3, 16, 16), 16, 32, "mean",
    lambda x, r, m, v: F.mse_loss(r, x) + kl1(m, v).sum(1).mean() / x[0].numel(),
    family="squared_error", rb="mean", rf="mean", kb="mean", kz="sum", kc=1 / 768,
    sigma2=0.5, beta=0.5,
    contest={"kl_constant": "divided by D as read off the array, which is no constant"},
)  # fmt: skip

case(
    "tiny-weight",
    "public code (images: SSE and a KL weighted by 1e-8)",
    "PyTorch",
    "sum_bd (x-r)^2 + 1e-8 sum_b KL_b",
    (3, 16, 16), 16, 16, "mean",
    lambda x, r, m, v: F.mse_loss(r, x, reduction="sum") + 1e-8 * kl1(m, v).sum(),
    family="squared_error", rb="sum", rf="sum", kb="sum", kz="sum", kc=1e-8,
    sigma2=5e-9, beta=5e-9,
    bug="a KL this light is lost beside the reconstruction, also to whoever probes the value",
)  # fmt: skip

case(
    "bytes-mse",
    "public code (images of bytes under a mean MSE)",
    "PyTorch",
    "mean_bd (x-r)^2 + mean_b KL_b, x in 0..255",
    (3, 16, 16), 16, 16, "mean",
    lambda x, r, m, v: F.mse_loss(r, x) + kl1(m, v).sum(1).mean(),
    family="squared_error", rb="mean", rf="mean", kb="mean", kz="sum", sigma2=384.0, beta=384.0,
    target="byte", bug="sigma^2 = D/2 = 384, on the scale of bytes: 0.0059 of their square range",
)  # fmt: skip

case(
    "antixk-normal-nll-learned-floor",
    "public code (Gaussian NLL with the log-variance clamped at -6 and no 2 pi)",
    "PyTorch",
    "sum_bd 1/2 [ (x-m)^2 e^-s + s ] + sum_b KL_b, s = max(logvar, -6)",
    (60,), 8, 32, "mean+logvar",
    lambda x, r, m, v: 0.5 * (sq(x, r[0]) * torch.exp(-r[1].clamp(min=-6))
                              + r[1].clamp(min=-6)).sum() + kl1(m, v).sum(),
    family="gaussian_nll", rb="sum", rf="sum", kb="sum", kz="sum", beta=1.0, target="real",
)  # fmt: skip

case(
    "gaussian-nll-log-std",
    "public code (the decoder's second head read as log sigma)",
    "PyTorch",
    "mean_b sum_d [ (x-m)^2 / (2 e^2t) + t ] + mean_b KL_b, t the head itself",
    (60,), 8, 32, "mean+logvar",
    lambda x, r, m, v: (sq(x, r[0]) / (2 * torch.exp(2 * r[1])) + r[1]).sum(1).mean()
    + kl1(m, v).sum(1).mean(),
    family="unknown", rb="mean", rf="sum", rc=None, kb="mean", kz="sum", target="real",
    bug=None, shape_note="a Gaussian NLL of (mean, log sigma), none of (mean, log sigma^2)",
    contest={
        "family": "gaussian_nll with a log standard deviation",
        "recon_constant": "1 as such",
        "kl_coefficient_per_example": "1 as such",
    },
)  # fmt: skip
