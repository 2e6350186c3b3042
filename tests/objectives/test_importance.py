"""The importance-weighted objectives on a model of which everything is known."""

import pytest
import torch
from torch.testing import assert_close

import nelbo
from nelbo.errors import BadType, BadValue
from nelbo.objectives import CIWAE, ELBO, IWAE, MIWAE, PIWAE, STL, DReG, Renyi
from nelbo.rng import seeded
from tests.objectives.linear_gaussian import FEATURES, LATENT, LinearGaussian

DECODER = FEATURES * LATENT  # the first of the numbers of a gradient
DRAWS = 4000


def value(objective, model, draws=DRAWS):
    """Mean and standard error of an objective, for each example."""
    with seeded(0), torch.no_grad():
        values = objective(model.terms(objective.samples, draws)).unflatten(0, (draws, -1))
    return values.mean(0), values.std(0) / draws**0.5


def test_the_bound_rises_with_its_samples_from_the_elbo_to_below_the_evidence():
    model = LinearGaussian(off=0.5)
    elbo, evidence = model.elbo.detach(), model.log_evidence.detach()
    before, last_error = elbo, torch.zeros_like(elbo)
    for samples in (1, 2, 5, 20):
        mean, error = value(IWAE(samples=samples), model)
        assert (mean >= before - 5 * (error**2 + last_error**2).sqrt()).all()
        assert (mean <= evidence + 5 * error).all()
        before, last_error = mean, error
    assert_close(value(IWAE(samples=1), model)[0], elbo, atol=float(5 * error.max() + 0.1), rtol=0)
    assert (evidence - before < 0.2 * (evidence - elbo)).all()  # twenty samples close most of it


def test_one_sample_is_the_elbo_with_its_gradient():
    model = LinearGaussian()
    with seeded(3):
        terms = model.terms(1)
    one = IWAE(samples=1)(terms)
    assert_close(one, terms.log_w[0])
    assert_close(MIWAE(samples=1, groups=1)(terms), one)
    assert_close(CIWAE(elbo=0.3, samples=1)(terms), one)


def test_every_combination_has_its_ends():
    with seeded(0):
        terms = LinearGaussian().terms(6)
    iwae, elbo = IWAE(samples=6)(terms), terms.log_w.mean(0)
    assert_close(CIWAE(elbo=1.0, samples=6)(terms), elbo)
    assert_close(CIWAE(elbo=0.0, samples=6)(terms), iwae)
    assert_close(MIWAE(samples=6, groups=6)(terms), elbo)
    assert_close(MIWAE(samples=6, groups=1)(terms), iwae)
    assert_close(Renyi(alpha=0.0, samples=6)(terms), iwae)
    assert_close(Renyi(alpha=1 - 1e-6, samples=6)(terms), elbo, atol=1e-4, rtol=0)
    assert_close(Renyi(alpha=-1e4, samples=6)(terms), terms.log_w.max(0).values, atol=1e-3, rtol=0)


def unbiased(gradients, expected):
    error = gradients.std(0) / len(gradients) ** 0.5
    assert ((gradients.mean(0) - expected).abs() <= 5 * error + 1e-9).all()


@pytest.mark.parametrize("objective", [STL(samples=1), STL(samples=3)])
def test_stl_has_the_gradient_of_the_exact_elbo(objective):
    model = LinearGaussian()
    exact = torch.autograd.grad(model.elbo.sum(), model.parameters)
    unbiased(model.gradients(objective, DRAWS), torch.cat([g.flatten() for g in exact]))


def test_stl_has_no_noise_at_the_posterior_and_the_elbo_has():
    model = LinearGaussian(off=0.0)
    w = torch.diag(torch.tensor([1.0, 2.0])).double()
    model.weight = torch.cat((w, torch.zeros(FEATURES - LATENT, LATENT).double())).requires_grad_()
    mean, covariance = model.posterior  # diagonal, as w is: q can be it
    model.mu = mean.detach().requires_grad_()
    model.logvar = covariance.diagonal().log().expand_as(mean).clone().requires_grad_()
    encoder = model.gradients(STL(), 50)[:, DECODER:]
    assert encoder.abs().max() < 1e-12
    one_draw = model.gradients(IWAE(samples=1), 50)[:, DECODER:]
    assert one_draw.abs().max() > 0.1


def test_dreg_has_the_gradient_of_the_bound_with_less_noise():
    model = LinearGaussian(off=0.5)
    plain = model.gradients(IWAE(samples=10), DRAWS)
    doubly = model.gradients(DReG(samples=10), DRAWS)
    error = ((plain.var(0) + doubly.var(0)) / DRAWS).sqrt()
    assert ((plain.mean(0) - doubly.mean(0)).abs() <= 5 * error + 1e-9).all()
    assert doubly[:, DECODER:].var(0).sum() < 0.5 * plain[:, DECODER:].var(0).sum()


def test_dreg_teaches_the_decoder_as_iwae_does():
    model = LinearGaussian()
    plain, doubly = model.gradients(IWAE(samples=10), 1), model.gradients(DReG(samples=10), 1)
    assert_close(doubly[:, :DECODER], plain[:, :DECODER])


def test_dreg_is_the_papers_sum_over_squared_weights():
    model = LinearGaussian()
    with seeded(2):
        terms = model.terms(4)
    value = DReG(samples=4)(terms).sum()
    got = torch.autograd.grad(value, (model.mu, model.logvar), retain_graph=True)
    q = torch.distributions.Normal(model.mu.detach(), (0.5 * model.logvar).exp().detach())
    log_w = terms.log_px + terms.log_pz - q.log_prob(terms.z).sum(-1)
    weights = log_w.detach().softmax(0)
    (slope,) = torch.autograd.grad((weights**2 * log_w).sum(), terms.z, retain_graph=True)
    expected = torch.autograd.grad(terms.z, (model.mu, model.logvar), slope)
    for a, b in zip(got, expected, strict=True):
        assert_close(a, b)


def test_piwae_teaches_the_decoder_by_iwae_and_the_encoder_by_miwae():
    model, both = LinearGaussian(), PIWAE(samples=12, groups=3)
    partly = model.gradients(both, 1)
    assert_close(partly[:, :DECODER], model.gradients(IWAE(samples=12), 1)[:, :DECODER])
    miwae = model.gradients(MIWAE(samples=12, groups=3), 1)
    assert_close(partly[:, DECODER:], miwae[:, DECODER:])


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        (IWAE, {"samples": 0}),
        (DReG, {"samples": -1}),
        (STL, {"samples": 0}),
        (MIWAE, {"groups": 0}),
        (MIWAE, {"samples": 0}),
        (PIWAE, {"samples": 10, "groups": 4}),
        (CIWAE, {"elbo": 1.5}),
        (Renyi, {"alpha": 1.0}),
        (Renyi, {"alpha": float("nan")}),
    ],
)
def test_numbers_out_of_range_are_refused(kind, arguments):
    with pytest.raises(BadValue, match=f"{next(iter(arguments))}: expected"):
        kind(**arguments)


@pytest.mark.usefixtures("unchecked")
def test_samples_that_are_no_integer_are_refused():
    with pytest.raises(BadType, match="samples: expected an integer"):
        IWAE(samples=2.5)


@pytest.mark.parametrize("kind", [IWAE, MIWAE, CIWAE, PIWAE, DReG, STL, Renyi])
def test_it_trains_and_the_elbo_rises(kind):
    with seeded(0):
        x = (torch.rand(400, 12) < 0.5).float()
        x[:, 6:] = x[:, :6]
        network = nelbo.networks.MLP(hidden=(32,))
        model = nelbo.VAE(data_shape=(12,), latent=6, network=network)
    run = nelbo.fit(model, x, objective=kind(), epochs=30, batch=50, lr=5e-3, callbacks=[])
    assert run.history[-1]["elbo"] > run.history[0]["elbo"] + 0.5


def test_the_elbo_of_several_samples_has_less_noise_than_of_one():
    model = LinearGaussian()
    one, many = (model.gradients(ELBO(), 500, samples=n).var(0).sum() for n in (1, 20))
    assert many < 0.2 * one


@pytest.mark.parametrize("objective", [DReG(samples=4), PIWAE(samples=4, groups=2)])
def test_a_decoder_alone_learns_as_by_iwae(objective):
    model = LinearGaussian()
    model.mu, model.logvar = model.mu.detach(), model.logvar.detach()
    slopes = []
    for kind in (objective, IWAE(samples=4)):
        with seeded(0):
            value = kind(model.terms(4)).sum()
        slopes.append(torch.autograd.grad(value, model.weight)[0])
    assert_close(*slopes)
