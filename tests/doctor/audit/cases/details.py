"""VAE losses whose scale hides in a detail.

Data rescaled inside, epsilons, single precision, sizes written in, KLs that do not weigh all
examples and latents alike, detached pieces, batches of one. Every truth was derived by hand;
those of a plain KL beside data taken as it is are proven in the tests beside this file.
"""

from __future__ import annotations

import math

import torch
import torch.distributions as td
import torch.nn.functional as F

from tests.doctor.audit.cases.building import Cases
from tests.doctor.audit.cases.formulas import bern, bern_logit, kl1, per_ex, sq

CASES = Cases()
UNEVEN = {
    "kl_batch_reduction": "not all examples count alike",
    "kl_latent_reduction": "not all latents count alike",
    "kl_constant": "one for every latent and example",
}


def case(id, formula, shape, n_latent, batch, recon_kind, loss, **truth):
    """Add a case."""
    about = ("public code", "PyTorch", formula)
    CASES.add(id, *about, shape, n_latent, batch, recon_kind, loss, **truth)


def sse(x, r):
    return per_ex(sq(x, r)).mean()


def kl(m, v):
    return kl1(m, v).sum(1).mean()


# ---- the data rescaled inside --------------------------------------------------------------------

case(
    "bytes-over-255-bce",
    "sum_bd BCE(r, x / 255) + sum_b KL_b, x in 0..255",
    (3, 8, 8), 8, 16, "prob",
    lambda x, r, m, v: bern(x / 255, r).sum() + kl1(m, v).sum(),
    family="bce_prob", rb="sum", rf="sum", kb="sum", kz="sum", beta=1.0, target="byte",
    skip=("recon_law",),
)  # fmt: skip


case(
    "bytes-over-255-mse",
    "mean_bd (x / 255 - r)^2 + mean_b KL_b, x in 0..255",
    (3, 8, 8), 8, 16, "prob",
    lambda x, r, m, v: F.mse_loss(r, x / 255) + kl(m, v),
    family="squared_error", rb="mean", rf="mean", kb="mean", kz="sum", sigma2=96.0, beta=96.0,
    target="byte", bug="sigma^2 = D/2, against data in [0, 1]",
    skip=("recon_law",),
)  # fmt: skip


case(
    "tanh-data-to-logits",
    "mean_b [ sum_d BCE(logits, (x + 1) / 2) + 0.5 KL_b ], x in -1..1",
    (1, 14, 14), 8, 16, "logits",
    lambda x, r, m, v: per_ex(bern_logit((x + 1) / 2, r)).mean() + 0.5 * kl(m, v),
    family="bce_logits", rb="mean", rf="sum", kb="mean", kz="sum", kc=0.5, beta=0.5, target="pm1",
    skip=("recon_law",),
)  # fmt: skip


case(
    "bytes-to-tanh-l1",
    "mean_bd |x / 127.5 - 1 - r| + 0.001 mean_b KL_b, x in 0..255",
    (3, 8, 8), 8, 16, "mean",
    lambda x, r, m, v: F.l1_loss(r, x / 127.5 - 1) + 0.001 * kl(m, v),
    family="absolute_error", rb="mean", rf="mean", kb="mean", kz="sum", kc=0.001, lap_b=0.192,
    beta=0.192, target="byte",
    skip=("recon_law",),
)  # fmt: skip


case(
    "smoothed-labels",
    "mean_b [ sum_d BCE(logits, 0.9 x + 0.05) + KL_b ]",
    (196,), 8, 16, "logits",
    lambda x, r, m, v: bern_logit(0.9 * x + 0.05, r).sum(1).mean() + kl(m, v),
    family="bce_logits", rb="mean", rf="sum", kb="mean", kz="sum", beta=1.0, target="binary",
    skip=("recon_law",),
)  # fmt: skip


# ---- epsilons and precision ----------------------------------------------------------------------

case(
    "epsilon-of-a-thousandth",
    "mean_b [ -sum_d x log(p + 1e-3) + (1-x) log(1 - p + 1e-3) + KL_b ]",
    (196,), 8, 16, "prob",
    lambda x, r, m, v: bern(x, r, 1e-3).sum(1).mean() + kl(m, v),
    family="bce_prob", rb="mean", rf="sum", kb="mean", kz="sum", beta=1.0,
    skip=("recon_law",),
)  # fmt: skip


case(
    "epsilon-in-the-kl",
    "mean_b [ sum_d (x-r)^2 + 1/2 sum_l (mu^2 + e^lv - log(e^lv + 1e-3) - 1) ]",
    (60,), 8, 16, "mean",
    lambda x, r, m, v: sse(x, r)
    + 0.5 * (m**2 + v.exp() - torch.log(v.exp() + 1e-3) - 1).sum(1).mean(),
    family="squared_error", rb="mean", rf="sum", kb="mean", kz="sum", sigma2=0.5, beta=0.5,
    target="real", contest={"kl_constant": "1 where the variance is well above 0.001"},
    skip=("recon_law",),
)  # fmt: skip


case(
    "single-precision-millionth",
    "(1/B) sum_bd |x-r| + 1e-6 mean_b KL_b, all of it in single precision",
    (3, 16, 16), 64, 4, "mean",
    lambda x, r, m, v: (x.float() - r.float()).abs().sum() / len(x)
    + 1e-6 * kl(m.float(), v.float()),
    family="absolute_error", rb="mean", rf="sum", kb="mean", kz="sum", kc=1e-6, lap_b=1e-6,
    beta=1e-6, target="pm1", bug="the KL is below the rounding of the reconstruction",
    contest=dict.fromkeys(
        ("kl_form", "kl_batch_reduction", "kl_latent_reduction", "kl_constant",
         "implied_laplace_b", "kl_coefficient_per_example"),
        "below the rounding of the value near the prior",
    ),
    skip=("recon_law",),
)  # fmt: skip


# ---- sizes ---------------------------------------------------------------------------------------

case(
    "view-784-mean",
    "mean_bd BCE + mean_b KL_b / 784 over x.view(-1, 784)",
    (1, 28, 28), 8, 16, "prob",
    lambda x, r, m, v: F.binary_cross_entropy(r.view(-1, 784), x.view(-1, 784)) + kl(m, v) / 784,
    family="bce_prob", rb="mean", rf="mean", kb="mean", kz="sum", kc=1 / 784, beta=1.0,
    contest={"feature_reduction": "a mean, or a sum times 1/784: the same on 784 features"},
    skip=("feature_scaling",),
)  # fmt: skip


case(
    "view-784-sum",
    "mean_b [ sum_d (x-r)^2 + KL_b ] over x.view(-1, 784)",
    (1, 28, 28), 8, 16, "mean",
    lambda x, r, m, v: sq(r.view(-1, 784), x.view(-1, 784)).sum(1).mean() + kl(m, v),
    family="squared_error", rb="mean", rf="sum", kb="mean", kz="sum", sigma2=0.5, beta=0.5,
    contest={"feature_reduction": "a sum, or 784 times a mean: the same on 784 features"},
    skip=("recon_law",),
)  # fmt: skip


case(
    "column-against-row-summed",
    "sum_bc [ sum_d (x_b-r_b)^2 + KL_c ]: [B] + [B, 1] is [B, B]",
    (40,), 6, 16, "mean",
    lambda x, r, m, v: (sq(x, r).sum(1) + kl1(m, v).sum(1, keepdim=True)).sum(),
    family="squared_error", rb="sum_times_batch", rf="sum", kb="sum_times_batch", kz="sum",
    sigma2=0.5, beta=0.5, target="real",
)  # fmt: skip


case(
    "axis-0-summed",
    "mean_d sum_b (x-r)^2 + mean_l sum_b KL_bl",
    (40,), 5, 16, "mean",
    lambda x, r, m, v: sq(x, r).sum(0).mean() + kl1(m, v).sum(0).mean(),
    family="squared_error", rb="sum", rf="mean", kb="sum", kz="mean", sigma2=4.0, beta=4.0,
    target="real", bug="summed over the examples, averaged over features and latents",
)  # fmt: skip


case(
    "batch-of-one",
    "mean_d (x-r)^2 + mean_l KL_l of one example",
    (30,), 3, 1, "mean",
    lambda x, r, m, v: F.mse_loss(r, x) + kl1(m, v).mean(),
    family="squared_error", rb="mean", rf="mean", kb="mean", kz="mean", sigma2=5.0, beta=5.0,
    target="real",
)  # fmt: skip


# ---- KLs that are something else -----------------------------------------------------------------

case(
    "prior-of-mean-one",
    "mean_b [ sum_d (x-r)^2 + KL(q || N(1, 1)) ]",
    (60,), 8, 16, "mean",
    lambda x, r, m, v: sse(x, r)
    + td.kl_divergence(td.Normal(m, (0.5 * v).exp()), td.Normal(1.0, 1.0)).sum(1).mean(),
    family="squared_error", rb="mean", rf="sum", kb="mean", kz="sum", kl_form="wrong",
    var_argmin=0.0, target="real", bug="the prior is N(1, 1)",
)  # fmt: skip


case(
    "kl-of-the-first-example",
    "mean_b sum_d (x-r)^2 + KL_0",
    (60,), 8, 16, "mean",
    lambda x, r, m, v: sse(x, r) + kl1(m, v)[0].sum(),
    family="squared_error", rb="mean", rf="sum", kb="mean", kz="sum", kl_form="wrong", kc=None,
    target="real", bug="an index too many: all other posteriors are free", contest=UNEVEN,
)  # fmt: skip


case(
    "kl-of-half-the-latents",
    "mean_b [ sum_d (x-r)^2 + sum_(l < 4) KL_bl ]",
    (60,), 8, 16, "mean",
    lambda x, r, m, v: sse(x, r) + kl1(m, v)[:, :4].sum(1).mean(),
    family="squared_error", rb="mean", rf="sum", kb="mean", kz="sum", kl_form="wrong", kc=None,
    target="real", bug="the other latents follow no prior", contest=UNEVEN,
)  # fmt: skip


case(
    "kl-of-the-mean-posterior",
    "mean_b sum_d (x-r)^2 + KL(N(mean_b mu, exp mean_b lv) || N(0, 1))",
    (60,), 8, 16, "mean",
    lambda x, r, m, v: sse(x, r) + kl1(m.mean(0), v.mean(0)).sum(),
    family="squared_error", rb="mean", rf="sum", kb="mean", kz="sum", kl_form="wrong", kc=None,
    target="real", bug="averaged before the square: single posteriors may lie anywhere",
    contest=UNEVEN,
)  # fmt: skip


case(
    "kl-squared",
    "mean_b [ sum_d (x-r)^2 + KL_b^2 ]",
    (60,), 8, 16, "mean",
    lambda x, r, m, v: sse(x, r) + (kl1(m, v).sum(1) ** 2).mean(),
    family="squared_error", rb="mean", rf="sum", kb="mean", kz="sum", kl_form="wrong", kc=None,
    target="real", bug="its weight is twice the KL itself, and 0 at the prior",
    contest={"kl_latent_reduction": "a square of a sum is no sum"},
)  # fmt: skip


case(
    "symmetrised-kl",
    "mean_b [ sum_d (x-r)^2 + KL(q || p) + KL(p || q) ]",
    (60,), 8, 16, "mean",
    lambda x, r, m, v: sse(x, r) + kl(m, v)
    + td.kl_divergence(td.Normal(0.0, 1.0), td.Normal(m, (0.5 * v).exp())).sum(1).mean(),
    family="squared_error", rb="mean", rf="sum", kb="mean", kz="sum", kl_form="wrong",
    var_argmin=0.0, target="real", contest={"kl_constant": "1 beside what is added"},
)  # fmt: skip


case(
    "logvar-detached",
    "mean_b [ sum_d (x-r)^2 + KL_b ], its log-variance without gradient",
    (60,), 8, 16, "mean",
    lambda x, r, m, v: sse(x, r) + kl(m, v.detach()),
    family="squared_error", rb="mean", rf="sum", kb="mean", kz="sum", sigma2=0.5, beta=0.5,
    target="real", bug="nothing keeps the variances from shrinking to 0",
    contest={"kl_form": "in the gradient only mu^2 is left"},
)  # fmt: skip


case(
    "free-bits-of-the-grand-mean",
    "mean_bd (x-r)^2 + 0.1 max(mean_bl KL_bl, 0.25)",
    (60,), 16, 16, "mean",
    lambda x, r, m, v: F.mse_loss(r, x) + 0.1 * kl1(m, v).mean().clamp(min=0.25),
    family="squared_error", rb="mean", rf="mean", kb="mean", kz="mean", kc=0.1,
    kl_form="free_bits", threshold=4.0, sigma2=0.1875, beta=0.1875, target="real",
    extra={"clamp": "batch"},
)  # fmt: skip


case(
    "fixed-sigma-by-log-prob",
    "-mean_bd log N(x; r, e^-1) + mean_bl KL_bl",
    (24, 5), 8, 64, "mean",
    lambda x, r, m, v: -td.Normal(r, math.exp(-1)).log_prob(x).mean() + kl1(m, v).mean(),
    family="squared_error", rb="mean", rf="mean", rc=0.5 * math.e**2, kb="mean", kz="mean",
    sigma2=15 / math.e**2, beta=15 / math.e**2, target="real",
)  # fmt: skip
