"""The truths of what is written for a KL and is none."""

import math

import pytest
import torch
import torch.distributions as td

from tests.doctor.audit.cases.proof import (
    CASES,
    B,
    a_k,
    close,
    inputs,
    kl,
    of,
    q_part,
    total,
    twice,
    value,
)

RANDOM = {"mmd-only", "log-ratio-through-kl-div"}


def _wrong(c):
    return c["truth"]["kl_form"] == "wrong" and c["id"] not in RANDOM


@of(_wrong)
def test_a_wrong_kl_is_no_multiple_of_the_kl(c):
    _, _, _, mu, logvar = inputs(c)
    ratios = [
        q_part(c, s * mu, t * logvar) / float(kl(s * mu, t * logvar).sum())
        for s, t in ((1.0, 0.3), (0.2, 2.0), (0.5, -1.5))
    ]
    assert max(ratios) - min(ratios) > 0.02 * abs(ratios[0])


@of(_wrong)
def test_the_means_in_a_wrong_kl(c):
    _, _, _, mu, logvar = inputs(c)
    ratios = []
    for copy in (lambda t: t, twice(0), twice(1)):
        for strength in (1.0, 2.0):
            m, v = copy(strength * mu), copy(logvar)
            change = q_part(c, m, v) - q_part(c, 0 * m, v)
            ratios.append(change / float(m.square().sum() / 2))
            if c["truth"]["kl_constant"] is not None:
                assert close(ratios[-1], a_k(c, *m.shape))
    if c["truth"]["kl_constant"] is None:
        assert ratios[0] != pytest.approx(ratios[1], rel=0.02) or c["id"] == "reversed-kl"
        claimed = c["truth"]["kl_batch_reduction"], c["truth"]["kl_latent_reduction"]
        changes = [ratio / ratios[0] for ratio in (ratios[2], ratios[4])]
        assert changes == pytest.approx([{"sum": 1, "mean": 0.5}[r] for r in claimed])


@of(_wrong)
def test_the_variances_in_a_wrong_kl(c):
    _, _, _, mu, _ = inputs(c)
    zero = torch.zeros_like(mu)

    def at(logvar):
        return q_part(c, zero, zero + logvar)

    best = c["truth"]["kl_var_argmin"]
    if best is None:
        steps = [at(0.5 * i + 0.5) - at(0.5 * i) for i in range(-12, 12)]
        assert min(steps) > 0 or max(abs(s) for s in steps) < 1e-9 * (1 + abs(at(1.0)))
        assert c["truth"]["kl_var_note"]
    else:
        assert (at(best + 1e-4) - at(best - 1e-4)) / 2e-4 == pytest.approx(0, abs=1e-5)
        assert all(at(best + away) > at(best) for away in (-2, -0.5, 0.5, 2))


def test_a_reversed_kl_weighs_the_means_by_the_precision():
    c = CASES["reversed-kl"]
    _, _, _, mu, _ = inputs(c)
    for logvar in (-1.0, 0.0, 1.0):
        v = torch.full_like(mu, logvar)
        got = (q_part(c, mu, v) - q_part(c, 0 * mu, v)) / float(mu.square().sum() / 2)
        assert close(got, math.exp(-logvar) / B)


def test_the_samples_weighed_by_their_density():
    c = CASES["log-ratio-through-kl-div"]
    x, recon, _, mu, logvar = inputs(c)
    grid = torch.linspace(-12, 12, 4001, dtype=torch.float64)
    q = td.Normal(mu[..., None], (0.5 * logvar)[..., None].exp())
    weighed = 2 * q.log_prob(grid)
    ratio = q.log_prob(grid) - td.Normal(0.0, 1.0).log_prob(grid)
    each = (weighed.exp() * ratio).sum(-1) * (grid[1] - grid[0])
    torch.manual_seed(0)
    draws = torch.stack([c["loss"](x, recon, mu, logvar) for _ in range(400)])
    got = draws.mean() - total(x, recon, "bce_prob")
    error = draws.std() / 20
    assert error < 0.05 * each.sum() / B
    assert abs(got - each.sum() / B) < 4 * error


def test_an_mmd_knows_no_single_example():
    c = CASES["mmd-only"]
    x, recon, _, mu, logvar = inputs(c)
    alone = [value(c, x, recon, m, logvar) for m in (mu, mu.flip(0))]
    assert alone[0] != pytest.approx(alone[1], rel=1e-6)  # though every KL is the same
    assert value(c, x, recon, 0 * mu + 3, logvar) > alone[0]
