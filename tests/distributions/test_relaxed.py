"""The Concrete distributions against quadrature, torch's own and each other."""

import math

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from torch.distributions import Independent, Normal
from torch.distributions.relaxed_bernoulli import RelaxedBernoulli
from torch.distributions.relaxed_categorical import RelaxedOneHotCategorical

import nelbo
from nelbo.distributions.relaxed_bits import RelaxedBits
from nelbo.distributions.simplex import Concrete
from nelbo.errors import BadValue
from nelbo.posteriors import ConcretePosterior
from nelbo.rng import seeded
from nelbo.terms import Terms


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


# int q (log q - log p) dy over the logits y = log z/(1 - z) of the bits, from equation 24
def bit_kl(logit, temperature, prior_logit, prior_temperature):
    def log_density(y, location, t):
        a = location - t * y
        return math.log(t) - np.abs(a) - 2 * np.log1p(np.exp(-np.abs(a)))

    y = np.linspace(logit - 60, logit + 60, 400_001) / temperature
    log_q = log_density(y, logit, temperature)
    ratio = log_q - log_density(y, prior_logit, prior_temperature)
    return float((np.exp(log_q) * ratio).sum() * (120 / 400_000 / temperature))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("logit", [-40.0, -15.0, -8.0, -1.0, 0.0, 0.3, 4.0, 10.0, 30.0])
@pytest.mark.parametrize(("t", "prior_t"), [(0.5, 0.5), (0.2, 0.5), (0.8, 0.3), (1.0, 2.0)])
def test_kl_of_relaxed_bits_and_its_gradient_are_those_of_quadrature(t, prior_t, logit, dtype):
    """However certain the bit: draws that round to 0 or 1 cost a gradient of draws its sense."""
    outputs = torch.full((1, 2), logit, dtype=dtype, requires_grad=True)
    posterior = nelbo.registry.build("posterior", f"relaxed_bernoulli:temperature={t}")
    prior = nelbo.registry.build("prior", f"relaxed_coin:temperature={prior_t},probability=0.2")
    prior.setup(2)
    kl = posterior(outputs).kl_per_latent(prior.to(dtype)(), outputs)
    (slope,) = torch.autograd.grad(kl.sum(), outputs)
    at = float(prior.logits[0])
    expected = bit_kl(logit, t, at, prior_t)
    step = 3e-3
    sides = [bit_kl(logit + side, t, at, prior_t) for side in (-2 * step, -step, step, 2 * step)]
    steep = (sides[0] - 8 * sides[1] + 8 * sides[2] - sides[3]) / (12 * step)
    tolerance = 1e-5 if dtype == torch.float32 else 1e-8
    assert_allclose(kl.detach(), np.full((1, 2), expected), rtol=tolerance, atol=tolerance / 10)
    assert_allclose(slope, np.full((1, 2), steep), rtol=tolerance, atol=1e-5 * tolerance**0.5)


# two logistics of one scale: KL = d coth(d/2) - 2
def test_kl_of_relaxed_bits_of_one_temperature_has_a_closed_form():
    d = torch.tensor([1e-3, 0.5, 3.0, 20.0], dtype=torch.float64)
    p = RelaxedBits(torch.zeros(4, dtype=torch.float64), 0.5)
    got = RelaxedBits(d, 0.5).kl_per_latent(p, d)
    assert_allclose(got, d / torch.tanh(d / 2) - 2, rtol=1e-8, atol=1e-11)


@pytest.mark.parametrize("logit", [1.0, 15.0])
def test_the_elbo_of_a_certain_encoder_teaches_it_less_certainty(logit):
    """In float32 all draws at logit 15 are 1: the KL of the draws has no slope left."""
    prior = nelbo.registry.build("prior", "relaxed_coin")
    prior.setup(2)
    logits = torch.full((3, 2), logit, requires_grad=True)
    q = nelbo.registry.build("posterior", "relaxed_bernoulli")(logits)
    px = Independent(Normal(torch.zeros(5, 3, 4), 1.0), 1)
    terms = Terms(torch.zeros(3, 4), q.rsample(torch.Size((5,))), px, q, prior())
    (slope,) = torch.autograd.grad(terms.kl_total.sum(), logits)
    coth = 1 / math.tanh(logit / 2)
    expected = coth - 0.5 * logit / math.sinh(logit / 2) ** 2
    assert_allclose(slope, np.full((3, 2), expected), rtol=1e-5)


def test_another_density_has_no_such_kl():
    assert RelaxedBits(torch.zeros(2), 0.5).kl_per_latent(object(), torch.zeros(2)) is None
