"""The Concrete distributions against quadrature, torch's own and each other."""

import math

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from torch.distributions.relaxed_bernoulli import RelaxedBernoulli
from torch.distributions.relaxed_categorical import RelaxedOneHotCategorical

import nelbo
from nelbo.distributions.relaxed_bits import RelaxedBits
from nelbo.distributions.simplex import Concrete
from nelbo.errors import BadValue
from nelbo.posteriors import ConcretePosterior
from nelbo.rng import seeded


def logits(*shape):
    with seeded(0):
        return torch.randn(*shape, dtype=torch.float64)


@pytest.mark.parametrize("temperature", [0.2, 0.5, 1.5])
def test_concrete_density_is_torchs(temperature):
    given = logits(4, 2, 3)
    q = Concrete(given, temperature)
    with seeded(1):
        z = q.sample(torch.Size((5,)))
    theirs = RelaxedOneHotCategorical(
        torch.tensor(temperature, dtype=torch.float64), logits=given, validate_args=False
    )
    assert_allclose(q.log_prob(z), theirs.log_prob(z.unflatten(-1, (2, 3))).sum(-1), rtol=1e-6)


# z = softmax(s, t, 0) maps the plane onto the simplex, with dz = z_1 z_2 z_3 ds dt
@pytest.mark.parametrize("temperature", [0.5, 1.5])
def test_concrete_density_integrates_to_one_on_the_triangle(temperature):
    s = torch.linspace(-60, 60, 1601, dtype=torch.float64)
    a, b = torch.meshgrid(s, s, indexing="ij")
    z = torch.softmax(torch.stack([a, b, torch.zeros_like(a)], -1), -1)
    q = Concrete(logits(1, 3), temperature)
    mass = torch.exp(q.log_prob(z) + torch.log(z).sum(-1)) * (s[1] - s[0]) ** 2
    assert_allclose(mass.sum(), 1.0, rtol=1e-6)
    mean = (mass[..., None] * z).sum((0, 1))
    with seeded(2):
        draws = q.sample(torch.Size((20_000,)))
    assert bool(((draws.mean(0) - mean).abs() < 5 * draws.std(0) / 20_000**0.5).all())
    assert bool(((q.mean - mean).abs() < 5 * draws.std(0) / 64**0.5).all())


@pytest.mark.parametrize("temperature", [0.5, 0.8, 1.5])
def test_relaxed_bits_are_torchs_inside_and_integrate_to_one_with_their_ends(temperature):
    given = torch.tensor([0.7], dtype=torch.float64)
    q = RelaxedBits(given, temperature)
    x, w = (torch.tensor(v) for v in np.polynomial.legendre.leggauss(64))
    edge = -math.log(q.epsilon)
    panel = torch.linspace(-edge, edge, 81, dtype=torch.float64)
    y = (panel[:-1, None] + (panel[1] - panel[0]) * (x + 1) / 2).flatten()
    weight = (w * (panel[1] - panel[0]) / 2).repeat(80)
    z = torch.sigmoid(y)[:, None]
    inner = (z[:, 0] > 2 * q.epsilon) & (z[:, 0] < 1 - 2 * q.epsilon)
    theirs = RelaxedBernoulli(
        torch.tensor(temperature, dtype=torch.float64), logits=given, validate_args=False
    )
    middle = (z > 1e-6) & (z < 1 - 1e-6)
    assert_allclose(q.log_prob(z)[middle[:, 0]], theirs.log_prob(z)[middle], rtol=1e-6, atol=1e-8)
    mass = (weight * torch.exp(q.log_prob(z)) * z[:, 0] * torch.sigmoid(-y))[inner]
    ends = torch.tensor([[q.epsilon], [1 - q.epsilon]], dtype=torch.float64)
    assert_allclose(mass.sum() + q.log_prob(ends).exp().sum(), 1.0, rtol=1e-6)
    assert_allclose((mass * z[inner, 0]).sum() + q.log_prob(ends)[1].exp(), q.mean[0], rtol=1e-6)


def test_relaxed_bits_have_the_moments_of_their_draws():
    q = RelaxedBits(3 * logits(6), 0.3)
    with seeded(3):
        z = q.sample(torch.Size((20_000,)))
    square = (z - q.mean) ** 2
    assert bool(((z.mean(0) - q.mean).abs() < 5 * z.std(0) / 20_000**0.5).all())
    assert bool(((square.mean(0) - q.variance).abs() < 5 * square.std(0) / 20_000**0.5).all())


# the gradient of E z in the logit, of the draws against that of quadrature
def test_gradient_of_relaxed_bits_is_that_of_quadrature():
    logit = torch.tensor([0.4], dtype=torch.float64, requires_grad=True)
    (expected,) = torch.autograd.grad(RelaxedBits(logit, 0.5).mean.sum(), logit)
    many = logit.detach().repeat(20_000, 1).requires_grad_()
    with seeded(4):
        (each,) = torch.autograd.grad(RelaxedBits(many, 0.5).rsample().sum(), many)
    assert abs(float(each.mean() - expected)) < 5 * float(each.std()) / 20_000**0.5


@pytest.mark.parametrize("name", ["concrete", "relaxed_bernoulli"])
@pytest.mark.parametrize("output", [0.0, 1.0, -30.0, 30.0])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_values_and_gradients_are_finite_at_extreme_outputs(name, output, dtype):
    outputs = torch.zeros(3, 20, dtype=dtype)
    outputs[:, ::10] = output
    outputs.requires_grad_()
    q = nelbo.registry.build("posterior", name)(outputs)
    z = q.rsample(torch.Size((50,)))
    loss = q.log_prob(z).sum() + z.sum()
    (gradient,) = torch.autograd.grad(loss, outputs)
    assert bool(loss.isfinite())
    assert bool(gradient.isfinite().all())


def test_categories_must_agree_and_latents_be_whole_groups():
    posterior = nelbo.registry.build("posterior", "concrete:categories=5")
    with pytest.raises(BadValue, match="10 categories"):
        nelbo.VAE(
            4, 10, posterior=posterior, prior=nelbo.registry.build("prior", "relaxed_uniform")
        )
    prior = nelbo.registry.build("prior", "relaxed_uniform:categories=5")
    with pytest.raises(BadValue, match="multiple of 5"):
        nelbo.VAE(4, 12, posterior=posterior, prior=prior)
    assert nelbo.VAE(4, 10, posterior=posterior, prior=prior).sample(3).shape == (3, 4)


@pytest.mark.parametrize("text", ["concrete:temperature=0", "relaxed_bernoulli:temperature=-1"])
def test_a_temperature_is_positive(text):
    with pytest.raises(BadValue, match="a positive number"):
        nelbo.registry.build("posterior", text)


@pytest.mark.parametrize("lead", [10.0, 60.0, 1000.0])
@pytest.mark.parametrize("temperature", [0.3, 0.5, 1.0])
def test_however_sure_the_encoder_its_kl_is_that_of_double_precision(lead, temperature):
    logits = torch.zeros(1, 5)
    logits[0, 2] = lead
    found = []
    for dtype in (torch.float32, torch.float64):
        q = ConcretePosterior(categories=5, temperature=temperature)(logits.to(dtype))
        p = Concrete(torch.zeros(1, 5, dtype=dtype), temperature)
        with seeded(0):
            z = q.rsample(torch.Size((20_000,)))
        found.append(q.log_prob(z) - p.log_prob(z))
    error = sum(f.double().var() / len(f) for f in found) ** 0.5
    means = [f.double().mean() for f in found]
    assert abs(means[0] - means[1]) < 5 * error
    assert means[0] > 0


def test_a_temperature_below_single_precision_is_refused():
    with pytest.raises(BadValue, match="temperature: expected at least 0.3"):
        ConcretePosterior(temperature=0.2)
