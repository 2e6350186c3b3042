"""One step of nelbo is a hand-written PyTorch step to float64 rounding."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch.distributions import transform_to

import nelbo
from nelbo import registry
from nelbo.rng import generator, seeded
from tests.references import LIKELIHOODS

SHAPE, LATENT, BATCH, BETA, SEED = (2, 3), 2, 5, 0.7, 1
LR, BETA1, BETA2, EPS = 0.01, 0.9, 0.999, 1e-8


def bernoulli(x, a, w):
    return x * F.logsigmoid(a) + (1 - x) * F.logsigmoid(-a)


def continuous_bernoulli(x, a, w):
    return x * a - torch.log(torch.expm1(a) / a)


def normal(x, mean, variance):
    return -((x - mean) ** 2) / (2 * variance) - 0.5 * torch.log(2 * math.pi * variance)


def stated(x, mean, w):
    return normal(x, mean, torch.tensor(0.3, dtype=torch.float64))


def learned(x, mean, w):
    log_sigma = -6 + torch.log(1 + torch.exp(w["likelihood.scale.rho"] + 6))
    return normal(x, mean, torch.exp(2 * log_sigma))


def optimal(x, mean, w):
    return normal(x, mean, ((x - mean) ** 2).mean())


def squashed(density):
    return lambda x, a, w: density(x, 1 / (1 + torch.exp(-a)), w)


TWINS = {
    "bernoulli": bernoulli,
    "continuous_bernoulli": continuous_bernoulli,
    "gaussian:variance=0.3,link=identity": stated,
    "gaussian:sigma=learned,link=identity": learned,
    "gaussian:sigma=optimal,link=identity": optimal,
    "gaussian:variance=0.3,link=logit": squashed(stated),
    "gaussian:sigma=learned,link=logit": squashed(learned),
    "gaussian:sigma=optimal,link=logit": squashed(optimal),
}


def hand_written_loss(density, w, x, noise):
    h = torch.tanh(F.linear(x.reshape(BATCH, -1), w["encoder.1.weight"], w["encoder.1.bias"]))
    h = F.linear(h, w["encoder.3.weight"], w["encoder.3.bias"])
    mu, logvar = h[:, :LATENT], h[:, LATENT:]
    z = mu + torch.exp(logvar / 2) * noise
    h = torch.tanh(F.linear(z, w["decoder.1.weight"], w["decoder.1.bias"]))
    a = F.linear(h, w["decoder.3.weight"], w["decoder.3.bias"]).reshape(-1, BATCH, *SHAPE)
    reconstruction = density(x, a, w).sum((-2, -1)).mean(0)
    kl = -0.5 * (1 + logvar - mu**2 - torch.exp(logvar)).sum(-1)
    return -(reconstruction - BETA * kl).sum() / BATCH


def hand_written_adam(p, g):
    m, v = (1 - BETA1) * g, (1 - BETA2) * g**2
    return p - LR * (m / (1 - BETA1)) / (torch.sqrt(v / (1 - BETA2)) + EPS)


def model_and_data(text):
    with seeded(0):
        model = nelbo.VAE(
            data_shape=SHAPE,
            latent=LATENT,
            network=nelbo.networks.MLP(hidden=(4,)),
            likelihood=registry.build("likelihood", text),
        ).double()
        draw = torch.randn(BATCH, *SHAPE, dtype=torch.float64)
        support = model.likelihood.support
        x = (draw > 0).double() if support.is_discrete else transform_to(support)(draw)
    x = torch.sigmoid(x) if "link=logit" in text else x  # where its means are
    return model, x.float().double()  # exact in float32, in which sources give their batches


def hand_written_gradient(text, model, x, samples):
    """Return the loss, the weights before the step and their gradients."""
    w = {k: p.detach().clone().requires_grad_() for k, p in model.named_parameters()}
    with seeded(SEED):
        noise = torch.randn(samples, BATCH, LATENT, dtype=torch.float64)
    loss = hand_written_loss(TWINS[text], w, x, noise)
    gradients = torch.autograd.grad(loss, list(w.values()))
    return loss.detach(), w, dict(zip(w, gradients, strict=True))


@pytest.mark.parametrize("text", TWINS)
def test_one_step_of_fit_is_the_hand_written_one(text):
    model, x = model_and_data(text)
    order = torch.randperm(BATCH, generator=generator(SEED, 0))  # the data's, not the noise's
    loss, w, gradients = hand_written_gradient(text, model, x[order], samples=1)
    objective = nelbo.objectives.ELBO(beta=BETA)
    settings = {"epochs": 1, "batch": BATCH, "lr": LR, "seed": SEED, "callbacks": []}
    run = nelbo.fit(model, x, objective=objective, **settings)
    assert run.history[0]["loss"] == pytest.approx(loss.item(), rel=1e-12)
    for name, parameter in run.model.named_parameters():
        assert parameter.dtype == torch.float64
        after = hand_written_adam(w[name], gradients[name]).detach()
        assert parameter.grad is not None
        torch.testing.assert_close(parameter.grad, gradients[name], rtol=1e-10, atol=1e-13)
        torch.testing.assert_close(parameter.detach(), after, rtol=1e-12, atol=1e-14, msg=name)


@pytest.mark.parametrize("text", TWINS)
def test_the_gradient_of_several_samples_is_the_hand_written_one(text):
    model, x = model_and_data(text)
    expected, _, gradients = hand_written_gradient(text, model, x, samples=3)
    with seeded(SEED):
        loss = -nelbo.objectives.ELBO(beta=BETA)(model.terms(x, 3)).mean()
    loss.backward()
    torch.testing.assert_close(loss.detach(), expected, rtol=1e-12, atol=0)
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(parameter.grad, gradients[name], rtol=1e-10, atol=1e-13)


def test_every_twin_belongs_to_a_row():
    assert set(TWINS) <= set(LIKELIHOODS)
