"""One-hot latents against enumeration, and their gradients against the relaxation's."""

import itertools

import pytest
import torch
from numpy.testing import assert_allclose
from torch.distributions import kl_divergence

import nelbo
from nelbo.distributions.one_hot import OneHots, StraightThrough
from nelbo.distributions.simplex import Concrete
from nelbo.errors import BadValue
from nelbo.rng import seeded

GROUPS, CATEGORIES = 2, 3
DRAWS = 40_000
EVERY = torch.stack([
    torch.cat([torch.eye(CATEGORIES)[k] for k in each])
    for each in itertools.product(range(CATEGORIES), repeat=GROUPS)
]).double()  # fmt: skip


def logits(*batch, seed=0):
    with seeded(seed):
        return torch.randn(*batch, GROUPS, CATEGORIES, dtype=torch.float64)


def test_masses_sum_to_one_and_kl_is_the_sum_over_all_vectors():
    q, p = StraightThrough(logits(4), 0.5), OneHots(logits(seed=1))
    log_q, log_p = q.log_prob(EVERY[:, None]), p.log_prob(EVERY)[:, None]
    assert_allclose(log_q.exp().sum(0), 1.0, rtol=1e-6)
    assert_allclose(kl_divergence(q, p), (log_q.exp() * (log_q - log_p)).sum(0), rtol=1e-6)
    assert_allclose(q.mean, log_q.exp().T @ EVERY, rtol=1e-6)
    assert_allclose(q.variance, log_q.exp().T @ EVERY - q.mean**2, rtol=1e-6)
    assert_allclose(q.centre, EVERY[log_q.argmax(0)])


@pytest.mark.parametrize("wrong", [(1, 1, 0, 1, 0, 0), (0, 0, 0, 1, 0, 0), (0.5, 0.5, 0, 1, 0, 0)])
def test_there_is_no_mass_elsewhere(wrong):
    q = StraightThrough(logits(4), 0.5)
    assert bool((q.log_prob(torch.tensor(wrong).double()) == -torch.inf).all())


@pytest.mark.parametrize("draw", ["sample", "rsample"])
def test_draws_come_as_often_as_their_masses_say(draw):
    q = StraightThrough(logits(), 0.5)
    with seeded(2):
        z = getattr(q, draw)(torch.Size((DRAWS,)))
    shares = (z[:, None] == EVERY).all(-1).double().mean(0)
    mass = q.log_prob(EVERY).exp()
    assert bool(((shares - mass).abs() < 5 * (mass * (1 - mass) / DRAWS).sqrt()).all())


def value(z):
    """Return a function of latents that is far from linear."""
    w = torch.arange(6, dtype=z.dtype).cos()
    return torch.exp(z @ w) + (z[..., :1] * z[..., 3:]).sum(-1)


# dz = dy: what is above z has the slope at the one-hot vectors, what is below that of softmax
@pytest.mark.parametrize("temperature", [0.1, 0.5, 2.0])
def test_gradient_is_the_relaxations_at_one_hot_vectors(temperature):
    leaf = logits(4).requires_grad_()
    with seeded(3):
        z = StraightThrough(leaf, temperature).rsample(torch.Size((5,)))
    with seeded(3):
        y = Concrete(leaf, temperature).rsample(torch.Size((5,)))
    assert bool(((z == 0) | (z == 1)).all())
    assert_allclose(z.detach(), (y == y.unflatten(-1, (2, 3)).amax(-1)
                                 .repeat_interleave(3, -1)).double())  # fmt: skip
    at = z.detach().requires_grad_()
    (slope,) = torch.autograd.grad(value(at).sum(), at)
    (expected,) = torch.autograd.grad(y, leaf, slope)
    (got,) = torch.autograd.grad(value(z).sum(), leaf)
    assert_allclose(got, expected, rtol=1e-12)


def linear(z):
    return z @ torch.arange(6, dtype=z.dtype).cos()


def gradients(function, temperature, draws=DRAWS):
    """Return the exact gradient, the mean straight-through one and its standard error."""
    leaf = logits().requires_grad_()
    exact = (OneHots(leaf).log_prob(EVERY).exp() * function(EVERY)).sum()
    (exact,) = torch.autograd.grad(exact, leaf)
    many = leaf.detach().expand(draws, -1, -1).clone().requires_grad_()
    with seeded(4):
        z = StraightThrough(many, temperature).rsample()
    (each,) = torch.autograd.grad(function(z).sum(), many)
    return exact, each.mean(0), each.std(0) / draws**0.5


def trapezoidal(function):
    """Return the gradient with f(e_i) - f(e_j) = (e_i - e_j) (f'(e_i) + f'(e_j)) / 2."""
    at = EVERY.clone().requires_grad_()
    (slopes,) = torch.autograd.grad(function(at).sum(), at)
    slopes = slopes.view(*[CATEGORIES] * GROUPS, GROUPS, CATEGORIES)
    p, q = logits().softmax(-1)
    first = torch.einsum("ijc,j->ic", slopes[:, :, 0], q)
    second = torch.einsum("ijc,i->jc", slopes[:, :, 1], p)
    return torch.stack([flow(p, first), flow(q, second)])


def flow(p, s):
    own = s.diagonal()
    across = (own[:, None] - s + s.T - own) / 2
    return (p[:, None] * p * across).sum(1)


def curved(z):
    return torch.exp(5 * (z[..., 0] + z[..., 3]))


# E y tends to E z with the temperature. All of dy is then where two categories change places, with
# either of them on top half of the time
def test_the_bias_at_small_temperatures_is_that_of_the_trapezoidal_rule():
    for function in (linear, value, curved):
        exact, mean, error = gradients(function, 0.02)
        assert bool(((mean - trapezoidal(function)).abs() < 5 * error).all())
    assert bool(((mean - exact).abs() > 5 * error).any())
    exact, _, _ = gradients(linear, 0.02)
    assert_allclose(trapezoidal(linear), exact, rtol=1e-6)


def test_the_gradient_of_a_linear_function_is_biased_at_large_temperatures():
    exact, mean, error = gradients(linear, 2.0)
    assert bool(((mean - exact).abs() > 5 * error).any())


@pytest.mark.parametrize("output", [0.0, 1.0, -30.0, 30.0])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_values_and_gradients_are_finite_at_extreme_outputs(output, dtype):
    outputs = torch.zeros(3, 20, dtype=dtype)
    outputs[:, ::10] = output
    outputs.requires_grad_()
    q = nelbo.posteriors.STGumbelSoftmax()(outputs)
    p = nelbo.priors.UniformCategorical()
    p.setup(20)
    z = q.rsample(torch.Size((50,)))
    loss = q.log_prob(z).sum() + z.sum() + kl_divergence(q, p.to(dtype)()).sum()
    (gradient,) = torch.autograd.grad(loss, outputs)
    assert bool(loss.isfinite())
    assert bool(gradient.isfinite().all())


# E_q log w = ELBO, exactly: the mean of one draw's weight is that of the closed KL
def test_bounds_are_those_of_enumeration():
    posterior, prior = (
        nelbo.posteriors.STGumbelSoftmax(categories=3),
        nelbo.priors.UniformCategorical(categories=3),
    )
    with seeded(5):
        model = nelbo.VAE(4, 6, posterior=posterior, prior=prior).double()
        x = torch.rand(1, 4).round().double()
    q, p = model.encode(x), model.marginal()
    log_px = model.decode(EVERY[:, None]).log_prob(x)[:, 0]
    log_w = log_px + p.log_prob(EVERY) - q.log_prob(EVERY[:, None])[:, 0]
    mass = q.log_prob(EVERY[:, None])[:, 0].exp()
    elbo, evidence = (mass * log_w).sum(), (log_px + p.log_prob(EVERY)).logsumexp(0)
    with torch.no_grad(), seeded(6):
        terms = model.terms(x, samples=10_000)
        each = terms.log_px[:, 0] - terms.kl_total
        assert abs(float(each.mean() - elbo)) < 5 * float(each.std()) / 100
        weights = torch.exp(terms.log_w[:, 0] - evidence)
        assert abs(float(weights.mean() - 1)) < 5 * float(weights.std()) / 100
    assert elbo < evidence


def test_categories_must_agree_and_latents_be_whole_groups():
    posterior = nelbo.posteriors.STGumbelSoftmax(categories=5)
    with pytest.raises(BadValue, match="of 5 categories"):
        nelbo.VAE(4, 10, posterior=posterior, prior=nelbo.priors.UniformCategorical())
    with pytest.raises(BadValue, match="density on simplices"):
        nelbo.VAE(4, 10, posterior=posterior, prior=nelbo.priors.RelaxedUniform(categories=5))
    prior = nelbo.priors.UniformCategorical(categories=5)
    with pytest.raises(BadValue, match="multiple of 5"):
        nelbo.VAE(4, 12, posterior=posterior, prior=prior)
    model = nelbo.VAE(4, 10, posterior=posterior, prior=prior)
    assert model.sample(3).shape == (3, 4)
    assert model.reconstruct(torch.zeros(2, 4)).shape == (2, 4)
    with pytest.raises(BadValue, match="positive number"):
        nelbo.posteriors.STGumbelSoftmax(temperature=0.0)
