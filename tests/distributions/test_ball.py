"""The Poincare ball against quadrature and textbook distances."""

import math

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

import nelbo
from nelbo.distributions.ball import RiemannianNormal, WrappedNormal, from_origin, moved, tangent
from nelbo.errors import BadValue
from nelbo.rng import seeded

WRAPPED = "posterior", "wrapped_normal"


def wrapped(c, k=2):
    centre = torch.tensor([0.9, -0.4, 0.3], dtype=torch.float64)[:k]
    scale = torch.tensor([0.6, 1.1, 0.8], dtype=torch.float64)[:k]
    return WrappedNormal(from_origin(centre, c), scale, c)


def riemannian(c, k=2):
    return RiemannianNormal(torch.zeros(k, dtype=torch.float64), 0.9, c)


# in two dimensions the volume is sinh(sqrt(c) r)/sqrt(c) dr dphi, in three its square times sin
def grid(c, k):
    x, w = (torch.tensor(v) for v in np.polynomial.legendre.leggauss(160))
    reach = 12 / max(1.0, c**0.5) + 6
    r, weight = reach * (x + 1) / 2, reach * w / 2
    angle = torch.arange(200, dtype=torch.float64) * 2 * math.pi / 200
    ring = torch.stack([angle.cos(), angle.sin()], -1)
    area = torch.full((200,), 2 * math.pi / 200, dtype=torch.float64)
    if k == 3:
        height, share = (torch.tensor(v) for v in np.polynomial.legendre.leggauss(100))
        angle = torch.arange(100, dtype=torch.float64) * 2 * math.pi / 100
        across = torch.sqrt(1 - height**2)[:, None]
        rows = [across * angle.cos(), across * angle.sin(), height[:, None].expand(100, 100)]
        ring = torch.stack(rows, -1).reshape(-1, 3)
        area = (share[:, None] * 2 * math.pi / 100).expand(100, 100).flatten()
    volume = weight * (torch.sinh(c**0.5 * r) / c**0.5) ** (k - 1)
    z = from_origin(r[:, None, None] * ring, c)
    return z, volume[:, None] * area


@pytest.mark.parametrize("k", [2, 3])
@pytest.mark.parametrize("c", [0.3, 1.0, 2.5])
@pytest.mark.parametrize("kind", [wrapped, riemannian])
def test_density_integrates_to_one_and_its_draws_follow_it(kind, c, k):
    p, (z, volume) = kind(c, k), grid(c, k)
    mass = volume * p.log_prob(z).exp()
    assert_allclose(mass.sum(), 1.0, rtol=1e-6)
    mean = (mass[..., None] * z).sum((0, 1))
    variance = (mass[..., None] * (z - mean) ** 2).sum((0, 1))
    with seeded(0):
        draws = p.sample(torch.Size((20_000,)))
    square = (draws - mean) ** 2
    assert bool(((draws.mean(0) - mean).abs() < 5 * draws.std(0) / 20_000**0.5).all())
    assert bool(((square.mean(0) - variance).abs() < 5 * square.std(0) / 20_000**0.5).all())
    if p.moments_are_estimated:
        assert bool(((p.mean - mean).abs() < 5 * variance.sqrt() / 128**0.5).all())
    else:
        assert_allclose(p.variance, variance, rtol=1e-5)


# cosh(sqrt(c) d) = 1 + 2 c |a - b|^2 / ((1 - c|a|^2)(1 - c|b|^2))
@pytest.mark.parametrize("c", [0.3, 1.0, 2.5])
def test_a_tangent_is_as_long_as_the_distance_and_leads_there(c):
    with seeded(0):
        v, w = torch.randn(2, 50, 4, dtype=torch.float64)
    a, b = from_origin(v, c), from_origin(w, c)
    space = (1 - c * (a**2).sum(-1)) * (1 - c * (b**2).sum(-1))
    distance = torch.acosh(1 + 2 * c * ((a - b) ** 2).sum(-1) / space) / c**0.5
    assert_allclose(tangent(a, b, c).norm(dim=-1), distance, rtol=1e-9)
    assert_allclose(moved(a, from_origin(tangent(a, b, c), c), c), b, atol=1e-9)
    assert_allclose(from_origin(v, c), moved(torch.zeros_like(v), from_origin(v, c), c), atol=1e-15)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("k", [1, 2, 20])
def test_values_and_gradients_are_finite_near_the_boundary(k, dtype):
    for centre in (0.0, 1.0, 6.0, -30.0, 30.0):
        for logvar in (-30.0, 0.0, 30.0):
            rows = torch.tensor([centre, logvar], dtype=dtype)[None, :, None]
            outputs = rows.expand(2, 2, k).clone().requires_grad_()
            q = nelbo.registry.build(*WRAPPED)(outputs)
            z = q.rsample(torch.Size((20,)))
            p = WrappedNormal(torch.zeros(k, dtype=dtype), torch.ones(k, dtype=dtype), 1.0)
            loss = (q.log_prob(z) - p.log_prob(z)).sum()
            (gradient,) = torch.autograd.grad(loss, outputs)
            assert bool((z.norm(dim=-1) < 1).all())
            assert bool(loss.isfinite())
            assert bool(gradient.isfinite().all())


# E z of one latent is an integral; its gradient in the encoder's output, by differences
def test_gradient_of_an_expectation_is_that_of_quadrature():
    x, w = (torch.tensor(v) for v in np.polynomial.hermite_e.hermegauss(80))

    def mean(outputs):  # on the line, exp_mu(v / lambda_mu) = tanh((m + sigma noise) / 2)
        noise = torch.tanh(0.5 * (outputs[0] + torch.exp(0.5 * outputs[1]) * x))
        return (w * noise).sum() / w.sum()

    outputs = torch.tensor([0.8, -0.5], dtype=torch.float64, requires_grad=True)
    (expected,) = torch.autograd.grad(mean(outputs), outputs)
    many = outputs.detach()[None, :, None].repeat(20_000, 1, 1).requires_grad_()
    with seeded(0):
        z = nelbo.registry.build(*WRAPPED)(many).rsample()
    (each,) = torch.autograd.grad(z.sum(), many)
    error = 5 * each.std(0) / 20_000**0.5
    assert bool(((each.mean(0)[:, 0] - expected).abs() < error[:, 0]).all())


def test_balls_of_other_curvature_do_not_go_together():
    prior = nelbo.registry.build("prior", "wrapped_standard:curvature=2.0")
    with pytest.raises(BadValue, match="curvature -2"):
        nelbo.VAE(4, 3, posterior=nelbo.registry.build(*WRAPPED), prior=prior)


@pytest.mark.parametrize("text", ["wrapped_standard:scale=0", "riemannian_normal:curvature=-1"])
def test_scale_and_curvature_are_positive(text):
    with pytest.raises(BadValue, match="a positive number"):
        nelbo.registry.build("prior", text)
