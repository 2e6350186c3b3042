"""Reconstructions that are no log-density an audit knows: robust, mixed, of norms and windows."""

from __future__ import annotations

import math

import torch
import torch.distributions as td
import torch.nn.functional as F

from tests.doctor.audit.cases.building import Cases
from tests.doctor.audit.cases.formulas import kl1, nkl, sq

CASES = Cases()
case = CASES.add


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
