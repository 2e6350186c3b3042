"""KL terms that are something else."""

from __future__ import annotations

import math

import torch
import torch.distributions as td
import torch.nn.functional as F

from tests.doctor.audit.cases.building import Cases
from tests.doctor.audit.cases.formulas import bern, mmd, per_ex_mean, sample, sq

CASES = Cases()
case = CASES.add


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


case(
    "mmd-only",
    "public code (MMD-VAE after ShengjiaZhao/MMD-Variational-Autoencoder: MSE + MMD)",
    "PyTorch",
    "mean_bd (x-r)^2 + MMD(z, N(0, 1))",
    (60,), 8, 64, "mean",
    lambda x, r, m, v: F.mse_loss(r, x) + mmd(sample(m, v), 8.0),
    family="squared_error", rb="mean", rf="mean", kb=None, kz=None, kc=None, kl_form="wrong",
    target="real", bug=None, var_note="random; the aggregate, not each q, is matched to the prior",
    contest={
        "kl_form": "no KL at all, but a regulariser of its own: wrong, extra or absent",
        "kl_var_argmin": "none of a single q",
        "kl_mu_coefficient": "not quadratic",
    },
)  # fmt: skip
