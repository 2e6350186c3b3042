"""Squared errors and their weights."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from tests.doctor.audit.cases.building import Cases
from tests.doctor.audit.cases.formulas import kl1, mc_kl1, per_ex_mean, sq

CASES = Cases()
case = CASES.add


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
