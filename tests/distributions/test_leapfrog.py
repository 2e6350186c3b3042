"""Leapfrogs can be undone, preserve volumes, and keep the energy up to the square of a step."""

import math

import pytest
import torch
from torch.autograd.functional import jacobian

from nelbo.distributions.leapfrog import generalised_leapfrog, leapfrog
from nelbo.distributions.metric import Metric
from nelbo.rng import seeded

LATENT = 3


def log_density(z):
    """Neither Gaussian nor symmetric."""
    return -(0.5 * z.square() + 0.3 * torch.sin(2 * z + z.roll(1, -1)) + 0.1 * z**4).sum(-1)


def slope(z):
    with torch.enable_grad():
        at = z if z.requires_grad else z.detach().requires_grad_()
        return torch.autograd.grad(log_density(at).sum(), at, create_graph=True)[0]


def points(samples=4, batch=5):
    with seeded(0):
        return torch.randn(2, samples, batch, LATENT, dtype=torch.float64)


def metric(centroids=6, scale=0.6):
    with seeded(1):
        centres = torch.randn(centroids, LATENT, dtype=torch.float64)
        factors = scale * torch.randn(centroids, LATENT, LATENT, dtype=torch.float64).tril()
    return Metric(centres, factors, temperature=1.5, regularisation=0.5)


def log_determinant(move, z, momentum):
    def both(joined):
        ends = move(*joined.view(2, 1, 1, LATENT))
        return torch.stack(ends).flatten()

    joined = torch.stack((z, momentum))[:, :1, :1].flatten()
    return torch.linalg.slogdet(jacobian(both, joined))[1].item()


def plain(step, cooling):
    return lambda z, momentum: leapfrog(slope, z, momentum, step, cooling)


def curved(step, steps=4, iterations=40):
    return lambda z, momentum: generalised_leapfrog(
        slope, metric(), z, momentum, step, [1.0] * steps, iterations
    )


@pytest.mark.parametrize("move", [plain(0.2, [1.0] * 7), curved(0.05)], ids=["plain", "curved"])
def test_backwards_it_returns_to_where_it_began(move):
    z, momentum = points()
    there, at = move(z, momentum)
    assert (there - z).abs().max() > 0.1
    back, negated = move(there, -at)
    torch.testing.assert_close(back, z, rtol=0, atol=1e-9)
    torch.testing.assert_close(-negated, momentum, rtol=0, atol=1e-9)


@pytest.mark.parametrize("move", [plain(0.2, [1.0] * 7), curved(0.05)], ids=["plain", "curved"])
def test_volumes_are_preserved(move):
    assert log_determinant(move, *points()) == pytest.approx(0.0, abs=1e-9)


def test_each_latent_may_have_a_step_of_its_own():
    step = torch.tensor([0.3, 0.05, 0.2], dtype=torch.float64)
    assert log_determinant(plain(step, [1.0] * 5), *points()) == pytest.approx(0.0, abs=1e-9)


def test_cooling_shrinks_volumes_by_its_factors():
    factors = [0.9, 0.7, 0.95]
    got = log_determinant(plain(0.2, factors), *points())
    assert got == pytest.approx(LATENT * sum(math.log(a) for a in factors), abs=1e-9)


def energy_errors(move, energy):
    z, momentum = points()
    before = energy(z, momentum)
    return [(energy(*move(h)(z, momentum)) - before).abs().mean().item() for h in (0.02, 0.01)]


def test_energy_is_off_by_the_square_of_the_step():
    def energy(z, momentum):
        return 0.5 * momentum.square().sum(-1) - log_density(z)

    long, short = energy_errors(lambda h: plain(h, [1.0] * round(1 / h)), energy)
    assert long < 1e-3
    assert long / short == pytest.approx(4.0, rel=0.02)


def test_energy_under_a_metric_is_off_by_the_square_of_the_step():
    def energy(z, momentum):
        cost = torch.distributions.MultivariateNormal(
            torch.zeros(LATENT, dtype=torch.float64), torch.linalg.inv(metric().at(z).inverse)
        )
        return -cost.log_prob(momentum) - log_density(z)

    long, short = energy_errors(lambda h: curved(h, round(0.4 / h)), energy)
    assert long < 1e-3
    assert long / short == pytest.approx(4.0, rel=0.1)


@pytest.mark.parametrize("order", [3, 5])
def test_what_is_left_of_reversibility_falls_with_the_iterations(order):
    z, momentum = points()

    def left(step):
        move = curved(step, steps=1, iterations=order)
        there, at = move(z, momentum)
        return (move(there, -at)[0] - z).abs().max().item()

    assert left(0.04) / left(0.02) > 0.7 * 2 ** (order + 1)


def test_metric_is_symmetric_and_positive_definite():
    place = metric().at(3 * points()[0])
    torch.testing.assert_close(place.inverse, place.inverse.mT, rtol=1e-12, atol=0)
    values = torch.linalg.eigvalsh(place.inverse)
    assert values.min() >= 0.5 - 1e-12
    torch.testing.assert_close(place.log_det_inverse, values.log().sum(-1))


def test_metric_is_the_papers_sum():
    z, found = points()[0], metric()
    expected = 0.5 * torch.eye(LATENT, dtype=torch.float64).expand(4, 5, LATENT, LATENT).clone()
    for c, factor in zip(found.centroids, found.factors, strict=True):
        weight = torch.exp(-(z - c).square().sum(-1) / 1.5**2)
        expected += weight[..., None, None] * factor @ factor.T
    torch.testing.assert_close(found.at(z).inverse, expected, rtol=1e-12, atol=1e-14)


def test_momentum_has_the_metric_as_its_covariance():
    z = points()[0][:1, :1]
    with seeded(0):
        noise = torch.randn(200_000, 1, LATENT, dtype=torch.float64)
    place = metric().at(z.expand(200_000, 1, LATENT))
    drawn = place.momentum(noise)[:, 0]
    wanted = torch.linalg.inv(place.inverse[0, 0])
    products = drawn[:, :, None] * drawn[:, None, :]
    error = products.std(0) / len(drawn) ** 0.5
    assert ((products.mean(0) - wanted).abs() < 5 * error).all()


def test_forces_are_autograds():
    z, momentum = points()
    z.requires_grad_()
    inverse = metric().at(z).inverse
    log_volume = 0.5 * torch.logdet(inverse)
    (rise,) = torch.autograd.grad(log_volume.sum(), z, retain_graph=True)
    torch.testing.assert_close(metric().at(z).volume_slope, rise)
    quadratic = 0.5 * torch.einsum("sbi,sbij,sbj->sb", momentum, inverse, momentum)
    (force,) = torch.autograd.grad((log_volume - quadratic).sum(), z)
    torch.testing.assert_close(metric().at(z).force(momentum), force)
