"""Priors over codes: fitted to the codes of data."""

import copy
import math

import numpy as np
import pytest
import torch

import nelbo
from nelbo.errors import BadValue
from nelbo.posteriors import FSQ, VQ, Diagonal, ResidualVQ
from nelbo.priors import AutoregressiveCodes, UniformCodes
from nelbo.rng import seeded


def connected(prior, posterior, latent):
    posterior.setup(latent)
    prior.setup(latent)
    prior.connect(posterior, (4,), 0)
    return prior


def fitted(prior, z, steps=200):
    """By maximum likelihood of latents that have no gradient."""
    optimizer = torch.optim.Adam(prior.parameters(), lr=0.05)
    for _ in range(steps):
        optimizer.zero_grad()
        (-prior().log_prob(z).mean()).backward()
        optimizer.step()


def test_it_begins_as_the_uniform_one():
    posterior = FSQ((3, 2))
    prior = connected(AutoregressiveCodes(hidden=8), posterior, 6)
    z = prior().sample((50,))
    torch.testing.assert_close(prior().log_prob(z), torch.full((50,), -3 * math.log(6)))


def test_it_learns_what_depends_on_what():
    """The second code is the first, the third is anything: log 3 + 0 + log 3 nats are left."""
    with seeded(0):
        posterior = FSQ((3,))
        prior = connected(AutoregressiveCodes(hidden=16), posterior, 3)
        indices = torch.randint(3, (3000, 3))
        indices[:, 1] = indices[:, 0]
        fitted(prior, posterior.vectors(indices))
        nats = -prior().log_prob(posterior.vectors(indices)).mean()
        drawn = posterior.indices(prior().sample((2000,)))
    assert float(nats.detach()) == pytest.approx(2 * math.log(3), abs=0.02)
    assert float((drawn[:, 0] == drawn[:, 1]).double().mean()) > 0.97


@pytest.mark.parametrize("groups", [1, 64])
def test_one_code_or_many(groups):
    prior = connected(AutoregressiveCodes(hidden=8), VQ(codes=16, dim=2), 2 * groups)
    z = prior().sample((2, 3))
    assert z.shape == (2, 3, 2 * groups)
    assert prior().log_prob(z).shape == (2, 3)


def test_the_rest_of_the_model_does_not_hear_of_it():
    model = nelbo.VAE(4, 6, posterior=FSQ((3, 3)), prior=AutoregressiveCodes(hidden=8))
    model.terms(torch.rand(5, 4)).kl_total.sum().backward()
    assert all(p.grad is None or not p.grad.any() for p in model.encoder.parameters())
    assert any(p.grad is not None and p.grad.any() for p in model.prior.parameters())


@pytest.mark.parametrize(
    "posterior", [VQ(codes=8, dim=2), ResidualVQ(codes=8, levels=3), FSQ((4, 2))]
)
def test_fitted_on_the_codes_of_data_it_gives_a_better_bound(posterior):
    with seeded(0):
        rng = np.random.default_rng(0)
        kind = rng.random((600, 1)) < 0.3
        images = torch.from_numpy((rng.random((600, 12)) < np.where(kind, 0.9, 0.1)).astype("f4"))
        parts = {"network": nelbo.networks.MLP(hidden=(16,)), "prior": UniformCodes()}
        model = nelbo.VAE(12, 6, posterior=copy.deepcopy(posterior), **parts)
        is_fsq = isinstance(posterior, FSQ)
        objective = nelbo.objectives.ELBO() if is_fsq else nelbo.objectives.VQELBO()
        nelbo.fit(model, images, objective=objective, epochs=5, lr=3e-3, callbacks=[])
        uniform = nelbo.evaluate(model, images, [nelbo.evaluate.ELBO()])
        prior = AutoregressiveCodes(hidden=16)
        prior.setup(model.latent)
        prior.connect(model.posterior, model.data_shape, 0)
        with torch.no_grad():
            z = model.terms(images).z[0]
        fitted(prior, z)
        model.prior = prior
        learned = nelbo.evaluate(model, images, [nelbo.evaluate.ELBO()])
    assert learned["reconstruction"].value == pytest.approx(uniform["reconstruction"].value)
    assert learned["elbo"].value > uniform["elbo"].value + 0.5


@pytest.mark.parametrize("prior", [UniformCodes(), AutoregressiveCodes()])
def test_other_posteriors_are_refused(prior):
    prior.setup(4)
    with pytest.raises(BadValue, match="connect"):
        prior()
    with pytest.raises(BadValue, match="latents are codes"):
        prior.connect(Diagonal(), (4,), 0)


def test_no_hidden_units_are_refused():
    with pytest.raises(BadValue, match="hidden: expected an integer of at least 1"):
        AutoregressiveCodes(hidden=0)
