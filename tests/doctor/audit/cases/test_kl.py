"""The truths of the KLs: closed, sampled, held, absent, with more beside them."""

import math

import torch

from tests.doctor.audit.cases import EXTRAS
from tests.doctor.audit.cases.proof import (
    B,
    a_k,
    a_r,
    both,
    close,
    features,
    inputs,
    kl,
    of,
    of_form,
    total,
    twice,
    value,
)


def regulariser(c, mu, logvar):
    """Return what the truth says of the terms that depend on q."""
    size = a_k(c, *mu.shape) if c["truth"]["kl_constant"] or "twice" in c["id"] else None
    form, threshold, each = c["truth"]["kl_form"], c["truth"]["kl_threshold"], kl(mu, logvar)
    if form in ("closed", "mc"):
        return size * each.sum()
    if form == "extra":
        torch.manual_seed(5)
        return size * each.sum() + EXTRAS[c["id"]](mu, logvar)
    clamp = c["extra"].get("clamp", "example" if form == "free_bits" else "batch")
    held, weight = {
        "latent": lambda: (each, size),
        "latent_batch_mean": lambda: (each.mean(0), size * len(mu)),
        "example": lambda: (each.sum(1), size),
        "batch": lambda: (each.sum(1).mean(), size and size * len(mu)),
    }[clamp]()
    if form == "free_bits":
        if c["extra"].get("mask"):
            return weight * torch.where(held > threshold, held, 0.0).sum()
        return weight * held.clamp(min=threshold).sum()
    power = c["extra"].get("power", 1)
    return c["extra"].get("gamma", weight) * ((held - threshold).abs() ** power).sum()


@of(of_form("closed", "extra", "free_bits", "capacity"))
def test_the_kl_is_what_it_is_said_to_be(c):
    x, recon, _, mu, logvar = inputs(c)
    recon2, x2 = both(twice(0), recon), twice(0)(x)
    for strength in (1.0, 0.05, 3.0):
        q, p = (strength * mu, strength * logvar), (mu.flip(1).abs() + 0.4, -0.5 * logvar)
        got = value(c, x, recon, *q) - value(c, x, recon, *p)
        expected = float(regulariser(c, *q) - regulariser(c, *p))
        here = value(c, x, recon, *q)
        assert close(got, expected, here)
        for copy, data, output in ((twice(0), x2, recon2), (twice(1), x, recon)):
            one, two = map(copy, q), map(copy, p)
            one, two = tuple(one), tuple(two)
            got = value(c, data, output, *one) - value(c, data, output, *two)
            expected = float(regulariser(c, *one) - regulariser(c, *two))
            assert close(got, expected, here)


@of(of_form("mc"))
def test_the_sampled_kl_is_so_on_average(c):
    x, recon, _, mu, logvar = inputs(c)
    for copy in (lambda t: t, twice(0), twice(1)):
        data, output = (twice(0)(x), both(twice(0), recon)) if len(copy(mu)) > B else (x, recon)
        q, p = (copy(mu), copy(logvar)), (torch.zeros_like(copy(mu)),) * 2
        torch.manual_seed(0)
        draws = torch.stack([c["loss"](data, output, *q) for _ in range(1000)])
        at_prior = c["loss"](data, output, *p)  # there the log ratio of every sample is 0
        error = draws.std() / math.sqrt(len(draws))
        expected = float(regulariser(c, *q))
        if c["id"] == "mc-analytic-entropy":  # there only its mean is
            more = torch.stack([c["loss"](data, output, *p) for _ in range(1000)])
            at_prior, error = more.mean(), torch.hypot(error, more.std() / math.sqrt(1000))
        assert draws.std() > 0
        assert error < 0.05 * abs(expected)
        assert abs(draws.mean() - at_prior - expected) < 4 * error


@of(of_form("absent"))
def test_where_no_kl_trains(c):
    x, recon, _, mu, logvar = inputs(c)
    q = [t.clone().requires_grad_() for t in (mu, logvar)]
    loss = c["loss"](x, recon.clone().requires_grad_(), *q)
    gradients = torch.autograd.grad(loss, q, allow_unused=True)
    assert all(g is None or not g.any() for g in gradients)
    changed = value(c, x, recon, 2 * mu, logvar) != value(c, x, recon, mu, logvar)
    assert changed == bool(c["extra"].get("detached"))
    if changed:
        got = value(c, x, recon, 2 * mu, logvar) - value(c, x, recon, mu, logvar)
        assert close(got, float(kl(2 * mu, logvar).sum() - kl(mu, logvar).sum()) / B)


@of(lambda c: c["truth"]["kl_value_offset"] is not None)
def test_the_offset_of_a_kl(c):
    x, recon, _, mu, _ = inputs(c)
    zero = torch.zeros_like(mu)
    t = c["truth"]
    rest = float(total(x, recon, t["family"])) * a_r(c, B, features(c, x.shape[1:]))
    got = (value(c, x, recon, zero, zero) - rest) / (a_k(c, *mu.shape) * B)
    assert close(got, t["kl_value_offset"])
