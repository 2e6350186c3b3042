"""VAE losses written with NumPy alone.

They have the fields of the other cases, less what nobody asks of them; `dtype` is that of the
arrays they are written for, `random` says whether two calls differ. The truths are derived by
hand and proven by a torch loss of the same formula, `twin`.
"""

from __future__ import annotations

import numpy as np
import torch.nn.functional as F

from tests.doctor.audit.cases.formulas import bern, bern_logit, kl1, mc_kl1, per_ex, sq

NUMPY_CASES: list[dict] = []


def case(id, formula, shape, n_latent, batch, recon_kind, loss, twin, *, dtype="float64",
         family, rb, rf, rc=1.0, kb="mean", kz="sum", kc=1.0, kl_form="closed", sigma2=None,
         lap_b=None, beta=None, target="unit", random=False, bug=None):  # fmt: skip
    """Add a case."""
    NUMPY_CASES.append(dict(
        id=id, formula=formula, data_shape=shape, n_latent=n_latent, batch=batch,
        recon_kind=recon_kind, target_kind=target, loss=loss, twin=twin, dtype=dtype,
        random=random, extra={}, skip=set(), truth=dict(
            family=family, batch_reduction=rb, feature_reduction=rf, recon_constant=rc,
            implied_sigma2=sigma2, implied_laplace_b=lap_b, kl_batch_reduction=kb,
            kl_latent_reduction=kz, kl_constant=kc, kl_form=kl_form,
            kl_coefficient_per_example=beta, bug=bug, kl_mu_coefficient=None,
            kl_var_argmin=None, kl_threshold=None, kl_value_offset=None),
    ))  # fmt: skip


def np_kl(mu, logvar):
    return 0.5 * (mu**2 + np.exp(logvar) - logvar - 1.0)


def np_bern(x, p):
    return -(x * np.log(p) + (1 - x) * np.log(1 - p))


def np_softplus(a):
    return np.logaddexp(0.0, a)


def flat(a):
    return a.reshape(len(a), -1)


case(
    "np-sum-sum", "sum_bd (x-r)^2 + sum_b KL_b", (28, 28), 8, 32, "mean",
    lambda x, r, m, v: np.sum((x - r) ** 2) + np.sum(np_kl(m, v)),
    lambda x, r, m, v: sq(x, r).sum() + kl1(m, v).sum(),
    family="squared_error", rb="sum", rf="sum", kb="sum", kz="sum", sigma2=0.5, beta=0.5,
)  # fmt: skip


case(
    "np-mean-mean-python-float", "mean_bd (x-r)^2 + mean_bl KL_bl as a Python float",
    (64,), 8, 16, "mean",
    lambda x, r, m, v: float(np.mean((x - r) ** 2) + np.mean(np_kl(m, v))),
    lambda x, r, m, v: sq(x, r).mean() + kl1(m, v).mean(),
    family="squared_error", rb="mean", rf="mean", kb="mean", kz="mean", sigma2=4.0, beta=4.0,
    target="real",
)  # fmt: skip


case(
    "np-bce-einsum", "(1/B) [ sum_bd BCE + sum_b KL_b ] with einsum",
    (196,), 10, 32, "prob",
    lambda x, r, m, v: (-np.einsum("bd,bd->", x, np.log(r))
                        - np.einsum("bd,bd->", 1 - x, np.log1p(-r))
                        + np.einsum("bl->", np_kl(m, v))) / x.shape[0],
    lambda x, r, m, v: (bern(x, r).sum() + kl1(m, v).sum()) / x.shape[0],
    family="bce_prob", rb="mean", rf="sum", beta=1.0,
)  # fmt: skip


case(
    "np-logits-float32", "mean_b [ sum_d BCE(logits) + 4 KL_b ] in float32, as np.float32",
    (14, 14), 10, 32, "logits",
    lambda x, r, m, v: np.float32(
        (flat(np_softplus(r) - x * r).sum(1) + np.float32(4) * np_kl(m, v).sum(1)).mean()),
    lambda x, r, m, v: (per_ex(bern_logit(x, r)) + 4 * kl1(m, v).sum(1)).mean(),
    dtype="float32", family="bce_logits", rb="mean", rf="sum", kc=4.0, beta=4.0, target="binary",
)  # fmt: skip


case(
    "np-casts-to-float32", "mean_bd (x-r)^2 + mean_b KL_b, everything cast to float32 inside",
    (14, 14), 10, 32, "mean",
    lambda x, r, m, v: np.mean((np.float32(x) - np.float32(r)) ** 2)
    + np.mean(np.sum(np_kl(np.float32(m), np.float32(v)), axis=1)),
    lambda x, r, m, v: sq(x, r).mean() + kl1(m, v).sum(1).mean(),
    dtype="float32", family="squared_error", rb="mean", rf="mean", sigma2=98.0, beta=98.0,
    bug="sigma^2 = D/2",
)  # fmt: skip


case(
    "np-l1-loop", "mean_b [ sum_d |x-r| + KL_b ], a loop over the examples",
    (20,), 4, 16, "mean",
    lambda x, r, m, v: sum(
        np.abs(x[i] - r[i]).sum() + np_kl(m[i], v[i]).sum() for i in range(len(x))) / len(x),
    lambda x, r, m, v: ((x - r).abs().sum() + kl1(m, v).sum()) / len(x),
    family="absolute_error", rb="mean", rf="sum", lap_b=1.0, beta=1.0, target="real",
)  # fmt: skip


case(
    "np-cross-entropy", "(1/B) sum_bt CE(logits) + 0.1 mean_b KL_b",
    (12, 20), 8, 16, "logits",
    lambda x, r, m, v: -np.sum(
        x * (r - np.log(np.exp(r - r.max(-1, keepdims=True)).sum(-1, keepdims=True))
             - r.max(-1, keepdims=True))) / len(x) + 0.1 * np_kl(m, v).sum(1).mean(),
    lambda x, r, m, v: -(x * F.log_softmax(r, -1)).sum() / len(x) + 0.1 * kl1(m, v).sum(1).mean(),
    family="categorical", rb="mean", rf="sum", kc=0.1, beta=0.1, target="onehot",
)  # fmt: skip


case(
    "np-gaussian-nll", "mean_b [ -sum_d log N(x; m, s^2) + KL_b ]",
    (30,), 6, 32, "mean+logvar",
    lambda x, r, m, v: np.mean(
        0.5 * np.sum((x - r[0]) ** 2 * np.exp(-r[1]) + r[1] + np.log(2 * np.pi), axis=1)
        + np_kl(m, v).sum(axis=1)),
    lambda x, r, m, v: (F.gaussian_nll_loss(r[0], x, r[1].exp(), full=True, reduction="sum")
                        + kl1(m, v).sum()) / len(x),
    family="gaussian_nll", rb="mean", rf="sum", beta=1.0, target="real",
)  # fmt: skip


_GENERATOR = np.random.default_rng(0)


def _np_mc(m, v, generator=None):
    noise = (generator or np.random).standard_normal(m.shape)
    z = m + np.exp(0.5 * v) * noise
    return 0.5 * (z**2 - noise**2 - v)


case(
    "np-mc-own-generator", "mean_b [ sum_d BCE + log q(z) - log p(z) ], a module's own generator",
    (49,), 6, 32, "prob",
    lambda x, r, m, v: (np_bern(x, r).sum(1) + _np_mc(m, v, _GENERATOR).sum(1)).mean(),
    lambda x, r, m, v: (bern(x, r).sum(1) + mc_kl1(m, v).sum(1)).mean(),
    family="bce_prob", rb="mean", rf="sum", kl_form="mc", beta=1.0, random=True,
)  # fmt: skip


case(
    "np-mc-global-state", "mean_bd (x-r)^2 + mean_bl [ log q(z) - log p(z) ] with np.random",
    (49,), 7, 32, "mean",
    lambda x, r, m, v: np.mean((x - r) ** 2) + np.mean(_np_mc(m, v)),
    lambda x, r, m, v: sq(x, r).mean() + mc_kl1(m, v).mean(),
    family="squared_error", rb="mean", rf="mean", kl_form="mc", kz="mean", sigma2=3.5, beta=3.5,
    random=True,
)  # fmt: skip


case(
    "np-mc-seeded-inside", "mean_b [ 1/2 sum_d (x-r)^2 + log q(z) - log p(z) ], seed 0 in the call",
    (20,), 4, 64, "mean",
    lambda x, r, m, v: np.mean(0.5 * ((x - r) ** 2).sum(1)
                               + _np_mc(m, v, np.random.default_rng(0)).sum(1)),
    lambda x, r, m, v: 0.5 * sq(x, r).sum(1).mean() + mc_kl1(m, v).sum(1).mean(),
    family="squared_error", rb="mean", rf="sum", rc=0.5, kl_form="mc", sigma2=1.0, beta=1.0,
    target="real", bug="the same noise at every call: no two calls differ, no estimate improves",
)  # fmt: skip


case(
    "np-kl-flipped", "mean_b sum_d BCE - mean_b KL_b", (49,), 6, 32, "prob",
    lambda x, r, m, v: np_bern(x, r).sum(-1).mean()
    + 0.5 * np.sum(1 + v - np.square(m) - np.exp(v), axis=-1).mean(),
    lambda x, r, m, v: bern(x, r).sum(-1).mean() - kl1(m, v).sum(-1).mean(),
    family="bce_prob", rb="mean", rf="sum", kc=-1.0, beta=-1.0, bug="KL sign flipped",
)  # fmt: skip


case(
    "np-zero-dimensional", "sum_bd BCE + 0.5 sum_b KL_b as a zero-dimensional array",
    (49,), 6, 32, "prob",
    lambda x, r, m, v: np.asarray(np_bern(x, r).sum() + 0.5 * np_kl(m, v).sum()),
    lambda x, r, m, v: bern(x, r).sum() + 0.5 * kl1(m, v).sum(),
    family="bce_prob", rb="sum", rf="sum", kb="sum", kc=0.5, beta=0.5,
)  # fmt: skip


case(
    "np-one-element", "mean_b [ sum_d (x-r)^2 + KL_b ] as an array of shape (1,)",
    (49,), 6, 32, "mean",
    lambda x, r, m, v: np.array([((x - r) ** 2).sum(1).mean() + np_kl(m, v).sum(1).mean()]),
    lambda x, r, m, v: sq(x, r).sum(1).mean() + kl1(m, v).sum(1).mean(),
    family="squared_error", rb="mean", rf="sum", sigma2=0.5, beta=0.5,
)  # fmt: skip
