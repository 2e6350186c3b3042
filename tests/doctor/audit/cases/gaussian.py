"""Gaussians written as densities, of a fixed variance and of their own."""

from __future__ import annotations

import torch
import torch.distributions as td
import torch.nn.functional as F

from tests.doctor.audit.cases.building import Cases
from tests.doctor.audit.cases.formulas import kl1, nkl, sq

CASES = Cases()
case = CASES.add


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
