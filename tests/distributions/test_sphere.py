"""The sphere against mpmath, scipy and quadrature."""

import math

import mpmath
import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy import stats
from torch.distributions import kl_divergence

import nelbo
from nelbo.distributions.bessel import log_bessel, short_of_one
from nelbo.distributions.directions import turned, unit
from nelbo.distributions.sphere import UniformOnSphere, VonMisesFisher
from nelbo.errors import BadValue
from nelbo.rng import seeded

CONCENTRATIONS = (1e-3, 1e-2, 0.1, 1.0, 3.0, 10.0, 31.0, 100.0, 1e3, 1e4)
SIZES = (2, 3, 4, 5, 10, 20, 64, 65, 66, 67, 128, 257, 512)


def bessel(k, x):
    """Return log I_v over its first term less x, 1 - I_(v+1)/I_v and its slope, in 60 digits."""
    with mpmath.workdps(60):
        v, x = mpmath.mpf(k) / 2 - 1, mpmath.mpf(x)
        low, high = mpmath.besseli(v, x), mpmath.besseli(v + 1, x)
        ratio = high / low
        log = mpmath.log(mpmath.gamma(v + 1) * (2 / x) ** v * low) - x
        return float(log), float(1 - ratio), float(ratio**2 + (2 * v + 1) / x * ratio - 1)


@pytest.mark.parametrize("k", SIZES)
def test_bessel_functions_and_their_slopes_are_mpmaths(k):
    x = torch.tensor(CONCENTRATIONS, dtype=torch.float64, requires_grad=True)
    log, short = log_bessel(x, k / 2 - 1), short_of_one(x, k / 2 - 1)
    (log_slope,) = torch.autograd.grad(log.sum(), x)
    (short_slope,) = torch.autograd.grad(short.sum(), x)
    expected = np.array([bessel(k, value) for value in CONCENTRATIONS]).T
    assert_allclose(log.detach(), expected[0], rtol=1e-9)
    assert_allclose(short.detach(), expected[1], rtol=1e-11)
    assert_allclose(log_slope, -expected[1], rtol=1e-11)
    assert_allclose(short_slope, expected[2], rtol=1e-9)


@pytest.mark.parametrize("k", SIZES)
def test_bessel_functions_bear_single_precision(k):
    x = torch.tensor(CONCENTRATIONS[2:], requires_grad=True)
    log, short = log_bessel(x, k / 2 - 1), short_of_one(x, k / 2 - 1)
    (slope,) = torch.autograd.grad(short.sum(), x)
    expected = np.array([bessel(k, float(value)) for value in x.detach()]).T
    assert_allclose(log.detach(), expected[0], rtol=1e-4, atol=1e-4)
    assert_allclose(short.detach(), expected[1], rtol=1e-4)
    assert_allclose(slope, expected[2], rtol=1e-3)


def density(k, kappa):
    with seeded(k):
        mu = unit(torch.randn(1, k, dtype=torch.float64))
    return VonMisesFisher(mu, torch.tensor([kappa], dtype=torch.float64))


@pytest.mark.parametrize("kappa", [0.5, 5.0, 500.0])
@pytest.mark.parametrize("k", [2, 3, 7])
def test_density_is_scipys(k, kappa):
    q = density(k, kappa)
    z = q.sample(torch.Size((6,)))
    expected = stats.vonmises_fisher(q.mu[0].numpy(), kappa).logpdf(z[:, 0].numpy())
    assert_allclose(q.log_prob(z)[:, 0], expected, rtol=1e-6)


@pytest.mark.parametrize("kappa", [0.5, 5.0, 50.0])
def test_density_integrates_to_one_on_the_circle(kappa):
    q = density(2, kappa)
    angle = torch.arange(400, dtype=torch.float64) * 2 * math.pi / 400
    z = torch.stack([angle.cos(), angle.sin()], 1)[:, None]
    mass = q.log_prob(z).exp() * 2 * math.pi / 400
    assert_allclose(mass.sum(), 1.0, rtol=1e-6)
    assert_allclose((mass[..., None] * z).sum(0), q.mean, atol=1e-9)


@pytest.mark.parametrize("kappa", [0.5, 5.0, 50.0])
def test_density_integrates_to_one_on_the_sphere(kappa):
    q = density(3, kappa)
    height, weight = (torch.tensor(v) for v in np.polynomial.legendre.leggauss(200))
    angle = torch.arange(200, dtype=torch.float64) * 2 * math.pi / 200
    radius = torch.sqrt(1 - height**2)[:, None]
    rows = [radius * angle.cos(), radius * angle.sin(), height[:, None].expand(200, 200)]
    z = torch.stack(rows, -1).reshape(-1, 1, 3)
    area = (weight[:, None] * 2 * math.pi / 200).expand(200, 200).reshape(-1, 1)
    mass = q.log_prob(z).exp() * area
    mean = (mass[..., None] * z).sum(0)
    assert_allclose(mass.sum(), 1.0, rtol=1e-6)
    assert_allclose(mean, q.mean, atol=1e-9)
    assert_allclose((mass[..., None] * (z - mean) ** 2).sum(0), q.variance, rtol=1e-6)


@pytest.mark.parametrize("kappa", [1e-3, 1.0, 30.0, 1e4])
@pytest.mark.parametrize("k", [2, 3, 20, 512])
def test_closed_kl_is_mpmaths(k, kappa):
    q = density(k, kappa)
    with mpmath.workdps(60):
        v, x = mpmath.mpf(k) / 2 - 1, mpmath.mpf(kappa)
        low = mpmath.besseli(v, x)
        norm = mpmath.log(mpmath.gamma(v + 1) * (2 / x) ** v * low)
        expected = float(x * mpmath.besseli(v + 1, x) / low - norm)
    assert_allclose(kl_divergence(q, UniformOnSphere(q.mu[0])).item(), expected, rtol=1e-6)


# E |z - a|^2 = 2 - 2 A mu'a, whose gradient in kappa and in the encoder's output is known
@pytest.mark.parametrize("kappa", [1.0, 10.0, 1e3])
@pytest.mark.parametrize("k", [2, 3, 16])
def test_gradient_of_an_expectation_is_the_exact_one(k, kappa):
    draws = 20_000
    with seeded(1):
        direction = torch.randn(k, dtype=torch.float64)
        a = unit(torch.randn(k, dtype=torch.float64))
        f = direction.expand(draws, k).clone().requires_grad_()
        concentration = torch.full((draws,), kappa, dtype=torch.float64).requires_grad_()
        z = VonMisesFisher(unit(f), concentration).rsample()
        each = torch.autograd.grad(((z - a) ** 2).sum(), (f, concentration))
    direction.requires_grad_()
    exact = torch.tensor(kappa, dtype=torch.float64, requires_grad=True)
    mean = 2 - 2 * (1 - short_of_one(exact, k / 2 - 1)) * (unit(direction) * a).sum()
    expected = torch.autograd.grad(mean, (direction, exact))
    for got, known in zip(each, expected, strict=True):
        error = 5 * got.std(0) / draws**0.5 + 1e-9
        assert bool(((got.mean(0) - known).abs() < error).all())


# E[(mu'z)^3] by quadrature of the angle, and its slope in kappa by differences
def test_gradient_of_a_cube_is_that_of_quadrature():
    def cube(kappa):
        weight = lambda t: mpmath.exp(kappa * (mpmath.cos(t) - 1)) * mpmath.sin(t) ** 3  # noqa: E731
        top = mpmath.quad(lambda t: mpmath.cos(t) ** 3 * weight(t), [0, 0.5, mpmath.pi])
        return top / mpmath.quad(weight, [0, 0.5, mpmath.pi])

    draws = 20_000
    with seeded(2):
        mu = unit(torch.randn(5, dtype=torch.float64))
        kappa = torch.full((draws,), 4.0, dtype=torch.float64).requires_grad_()
        z = VonMisesFisher(mu.expand(draws, 5), kappa).rsample()
        (each,) = torch.autograd.grad(((z * mu).sum(-1) ** 3).sum(), kappa)
    expected = float(mpmath.diff(cube, 4.0))
    assert abs(float(each.mean()) - expected) < 5 * float(each.std()) / draws**0.5


@pytest.mark.parametrize("kappa", [1e-3, 1.0, 30.0, 1e4])
@pytest.mark.parametrize("k", [2, 3, 20, 512])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_draws_lie_on_the_sphere_and_have_the_stated_mean(k, kappa, dtype):
    mu, draws = density(k, kappa).mu.to(dtype), 4000
    q = VonMisesFisher(mu, torch.tensor([kappa], dtype=dtype))
    with seeded(3):
        z = q.sample(torch.Size((draws,)))
    assert_allclose(z.norm(dim=-1), 1.0, rtol=2e-6)
    # 1 - mu'z = |z - mu|^2 / 2, of which no digits are lost
    short = (0.5 * ((z - mu) ** 2).sum(-1)).double()
    expected = short_of_one(torch.tensor([kappa], dtype=torch.float64), k / 2 - 1)
    assert abs(float(short.mean() - expected)) < 5 * float(short.std()) / draws**0.5 + 1e-6


def test_every_direction_can_be_the_first_axis():
    mu = unit(torch.cat([torch.eye(4), -torch.eye(4), torch.randn(50, 4)]).double())
    first = torch.tensor([1.0, 0, 0, 0], dtype=torch.float64).expand_as(mu)
    frames = torch.stack([turned(e.expand_as(mu), mu) for e in torch.eye(4).double()], 1)
    assert_allclose(turned(first, mu), mu, atol=1e-12)
    assert_allclose(frames @ frames.mT, torch.eye(4).expand(len(mu), 4, 4), atol=1e-12)


def test_a_sphere_needs_two_latents():
    with pytest.raises(BadValue, match="on a sphere"):
        nelbo.VAE(
            4,
            1,
            posterior=nelbo.registry.build("posterior", "von_mises_fisher"),
            prior=nelbo.registry.build("prior", "uniform_sphere"),
        )


def test_a_sphere_and_flat_space_do_not_go_together():
    with pytest.raises(BadValue, match="unit sphere"):
        nelbo.VAE(4, 3, posterior=nelbo.registry.build("posterior", "von_mises_fisher"))


@pytest.mark.parametrize("output", [0.0, 1.0, -30.0, 30.0])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_gradients_are_finite_at_extreme_outputs(output, dtype):
    outputs = torch.full((3, 6), output, dtype=dtype, requires_grad=True)
    q = nelbo.registry.build("posterior", "von_mises_fisher")(outputs)
    z = q.rsample(torch.Size((4,)))
    loss = q.log_prob(z).sum() + z.sum() + kl_divergence(q, UniformOnSphere(z[0, 0])).sum()
    (gradient,) = torch.autograd.grad(loss, outputs)
    assert bool(gradient.isfinite().all())
