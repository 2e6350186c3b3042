"""The second VAE's bound, against quadrature, and its draws."""

import numpy as np
import torch

from nelbo.priors import TwoStage
from nelbo.rng import seeded
from tests.references.filled import fill

DRAWS = 20_000


def one_latent():
    """Return a prior with weights in every layer, and some latents."""
    with seeded(0):
        prior = TwoStage(hidden=4)
        prior.setup(1)
        prior = prior.double()
        fill(prior)
        with torch.no_grad():
            prior.centre.fill_(0.3)
            prior.scale.fill_(1.7)
    return prior, torch.tensor([[-2.0], [0.1], [1.5]], dtype=torch.float64)


@torch.no_grad()
def parts(prior, z, u):
    """Return log p(z|u), log p(u) and log q(u|z) on a grid of u, [z, u], written with numpy."""
    scaled = (z - prior.centre) / prior.scale
    mean, logvar = (part.numpy() for part in prior.encoder(scaled).chunk(2, dim=1))
    decoded = prior.decoder(torch.from_numpy(u)[:, None])[:, 0].numpy()
    variance, scale = np.exp(prior.logvar.item()), prior.scale.item()

    def log_normal(value, centre, v):
        return -0.5 * (np.log(2 * np.pi * v) + (value - centre) ** 2 / v)

    log_pz = log_normal(scaled.numpy(), decoded[None], variance) - np.log(scale)
    return log_pz, log_normal(u, 0.0, 1.0)[None], log_normal(u[None], mean, np.exp(logvar))


def draws(prior, z):
    with seeded(1), torch.no_grad():
        return prior().log_prob(z.expand(DRAWS, *z.shape)).numpy()


def test_in_the_mean_it_is_the_bound_and_its_exponential_the_density():
    prior, z = one_latent()
    u, step = np.linspace(-12, 12, 4001, retstep=True)
    log_pz, log_pu, log_q = parts(prior, z, u)
    bound = (np.exp(log_q) * (log_pz + log_pu - log_q)).sum(1) * step
    density = np.exp(log_pz + log_pu).sum(1) * step
    found = draws(prior, z)
    assert (bound < np.log(density)).all()
    assert (np.log(density) - bound > 1e-3).any()  # a bound that is not tight
    for values, expected in ((found, bound), (np.exp(found), density)):
        error = values.std(0) / DRAWS**0.5
        assert (np.abs(values.mean(0) - expected) < 5 * error).all()


def test_its_draws_have_the_density():
    prior, _ = one_latent()
    u, step = np.linspace(-12, 12, 2001, retstep=True)
    z = torch.linspace(-15, 15, 2001, dtype=torch.float64)[:, None]
    log_pz, log_pu, _ = parts(prior, z, u)
    density = np.exp(log_pz + log_pu).sum(1) * step
    cdf = np.cumsum(density) * (z[1] - z[0]).item()
    with seeded(0):
        drawn = prior().sample((DRAWS,))[:, 0].numpy()
    for at in (-2.0, 0.0, 0.5, 2.0):
        expected = np.interp(at, z[:, 0].numpy(), cdf)
        error = (expected * (1 - expected) / DRAWS) ** 0.5
        assert abs((drawn < at).mean() - expected) < 5 * error + 0.01  # the grid's own step
    assert cdf[-1] > 0.999


def test_it_says_that_it_is_a_bound_and_starts_at_the_latents_moments():
    prior = TwoStage(hidden=4)
    prior.setup(3)
    with seeded(0):
        z = 5.0 + 2.0 * torch.randn(1000, 3)
    prior.start(z, z)
    assert prior().is_lower_bound
    assert torch.allclose(prior().mean, z.mean(0), atol=1e-4)
    assert torch.allclose(prior().variance, z.var(0, correction=0), rtol=1e-4)
