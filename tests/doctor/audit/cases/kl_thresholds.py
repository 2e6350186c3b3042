"""Free bits and capacities."""

from __future__ import annotations

from tests.doctor.audit.cases.building import Cases
from tests.doctor.audit.cases.formulas import bern, bern_logit, kl1, per_ex, sq, xent

CASES = Cases()
case = CASES.add


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
