"""What the truths of the cases are proven with: units, reductions, copies, finite changes."""

import math

import pytest
import torch
import torch.distributions as td
import torch.nn.functional as F

from tests.doctor.audit.cases import DETAILS, FURTHER, PUBLISHED
from tests.doctor.audit.cases.formulas import log_c
from tests.doctor.audit.cases.inputs import make_inputs, make_recon
from tests.doctor.audit.cases.numpy_losses import NUMPY_CASES

CLOSED = [c for c in DETAILS if c["truth"]["kl_form"] == "closed"]
# recon_law: no multiple of a unit at this data, as a function of the whole batch is none
CASES = {c["id"]: c for c in PUBLISHED + FURTHER + CLOSED if "recon_law" not in c["skip"]}
CASES |= {c["id"]: {**c, "loss": c["twin"]} for c in NUMPY_CASES}
B = 6  # few examples suffice: what depends on the batch size is in the claimed reductions


def total(x, recon, unit):
    """Return the canonical unit of a family, summed over examples and features."""
    if unit == "gaussian_nll":
        mean, logvar = recon
        return -td.Normal(mean, (0.5 * logvar).exp()).log_prob(x).sum()
    if isinstance(recon, tuple):
        return None
    return {
        "squared_error": lambda: (x - recon).square().sum(),
        "absolute_error": lambda: (x - recon).abs().sum(),
        # not by td.Bernoulli: targets outside {0, 1}
        "bce_prob": lambda: -(torch.xlogy(x, recon) + torch.xlogy(1 - x, 1 - recon)).sum(),
        "bce_logits": lambda: -(x * F.logsigmoid(recon) + (1 - x) * F.logsigmoid(-recon)).sum(),
        "continuous_bernoulli": lambda: (
            -(torch.xlogy(x, recon) + torch.xlogy(1 - x, 1 - recon) + log_c(recon)).sum()
        ),
        "categorical": lambda: -(x * torch.log_softmax(recon, -1)).sum(),
        "normalised probabilities": lambda: (
            -(x * torch.log(recon / recon.sum(-1, keepdim=True))).sum()
        ),
        "log_cosh": lambda: torch.log(torch.cosh(x - recon)).sum(),
    }[unit]()


def kl(mu, logvar):
    return td.kl_divergence(td.Normal(mu, (0.5 * logvar).exp()), td.Normal(0.0, 1.0))


def scale(constant, reductions, sizes):
    """Return a_R or a_K: a constant and its claimed reductions."""
    for reduction, size in zip(reductions, sizes, strict=True):
        constant = constant * {"mean": 1 / size, "sum_times_batch": size}.get(reduction, 1)
    return constant


def a_r(c, batch, features):
    t = c["truth"]
    reductions = (t["batch_reduction"], t["feature_reduction"])
    return scale(t["recon_constant"], reductions, (batch, features))


def a_k(c, batch, latents):
    t = c["truth"]
    if c["id"] == "batch-divided-twice":
        return 1 / batch**2
    reductions = (t["kl_batch_reduction"], t["kl_latent_reduction"])
    return scale(t["kl_constant"], reductions, (batch, latents))


def features(c, shape):
    return math.prod(shape[:-1] if c["truth"]["family"] == "categorical" else shape)


def value(c, x, recon, mu, logvar):
    """Return the loss with the same noise every time."""
    torch.manual_seed(5)
    return float(c["loss"](x, recon, mu, logvar))


def both(function, *recons):
    """Apply a function to outputs that may be pairs."""
    if isinstance(recons[0], tuple):
        return tuple(function(*parts) for parts in zip(*recons, strict=True))
    return function(*recons)


def twice(dim):
    return lambda t: torch.cat((t, t), dim)


def inputs(c, far=1.0):
    """Return data, two outputs for it, and the latents."""
    x, first, mu, logvar = make_inputs(c, seed=3, batch=B)
    second = make_recon(c, x, torch.Generator().manual_seed(4))
    if c["recon_kind"] == "mean":
        first, second = (x + far * (r - x) for r in (first, second))
    return x, first, second, mu, logvar


def close(got, expected, against=1.0):
    return got == pytest.approx(expected, rel=2e-6, abs=1e-13 * abs(against))


def of(condition):
    return pytest.mark.parametrize("c", [c for c in CASES.values() if condition(c)], ids=name_of)


def name_of(c):
    return c["id"]


def of_form(*forms):
    return lambda c: c["truth"]["kl_form"] in forms


def has_law(c):
    return c["truth"]["recon_constant"] is not None


def q_part(c, mu, logvar):
    """Return the loss as a function of q, less its value at the prior."""
    x, recon, _, _, _ = inputs(c)
    if len(mu) > B:
        x, recon = twice(0)(x), both(twice(0), recon)
    zero = torch.zeros_like(mu)
    return value(c, x, recon, mu, logvar) - value(c, x, recon, zero, zero)
