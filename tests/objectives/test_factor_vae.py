import math

import pytest
import torch
from torch.distributions import Independent, MultivariateNormal, Normal

import nelbo
from nelbo.errors import BadValue
from nelbo.objectives import ELBO, FactorVAE
from nelbo.objectives.factor_vae import shuffled
from nelbo.rng import seeded
from nelbo.terms import Terms
from nelbo.testing import check_objective
from tests.objectives.linear_gaussian import LinearGaussian

CORRELATION = 0.8
TOTAL = -0.5 * math.log(1 - CORRELATION**2)  # the total correlation of two such Gaussians


def correlated(batch):
    """Terms whose latents over the batch are a correlated Gaussian: q(z|x) is nearly a point."""
    covariance = torch.tensor([[1.0, CORRELATION], [CORRELATION, 1.0]])
    mu = MultivariateNormal(torch.zeros(2), covariance).sample((batch,))
    q = Independent(Normal(mu, torch.full_like(mu, 1e-3)), 1)
    p = Independent(Normal(torch.zeros(2), torch.ones(2)), 1)
    px = Independent(Normal(torch.zeros(1, batch, 1), 1.0), 1)
    return Terms(torch.zeros(batch, 1), q.rsample(torch.Size((1,))), px, q, p)


def one_pass():
    """A linear Gaussian model, the objective set up for it, and their terms."""
    model = LinearGaussian()
    with seeded(0):
        objective = FactorVAE(gamma=7.0)
        objective.setup((6,), 2)
        objective.double()
        return model, objective, model.terms(1)


def test_it_keeps_the_laws():
    check_objective(FactorVAE())


def test_the_critic_learns_the_total_correlation_of_a_known_gaussian():
    with seeded(0):
        objective = FactorVAE(gamma=1.0, hidden=(64, 64))
        objective.setup((1,), 2)
        adam = torch.optim.Adam(objective.critic.parameters(), lr=2e-3)
        for _ in range(600):
            adam.zero_grad()
            (-objective(correlated(256)).mean()).backward()
            adam.step()
        with torch.no_grad():
            terms = correlated(20_000)
            gap = ELBO()(terms) - objective(terms)
    error = float(gap.std()) / len(gap) ** 0.5
    assert float(gap.mean()) == pytest.approx(TOTAL, abs=5 * error + 0.1 * TOTAL)


def test_its_value_is_the_elbo_less_gamma_times_the_critics_logit():
    _, objective, terms = one_pass()
    expected = ELBO()(terms) - 7.0 * objective.critic(terms.z[0])
    torch.testing.assert_close(objective(terms), expected)


def test_model_and_critic_each_have_their_own_gradient():
    model, objective, terms = one_pass()
    critic = list(objective.critic.parameters())
    with seeded(5):
        got = torch.autograd.grad(objective(terms).mean(), critic, retain_graph=True)
    with seeded(5):
        z = terms.z.flatten(0, 1).detach()
        real, other = objective.critic(z), objective.critic(shuffled(z))
    told = torch.log(torch.sigmoid(real)) + torch.log(1 - torch.sigmoid(other))
    expected = torch.autograd.grad(told.mean(), critic)
    for a, b in zip(got, expected, strict=True):
        torch.testing.assert_close(a, b)
    (slope,) = torch.autograd.grad(objective(terms).sum(), model.mu, retain_graph=True)
    value = ELBO()(terms).sum() - 7.0 * objective.critic(terms.z.flatten(0, 1)).sum()
    (wanted,) = torch.autograd.grad(value, model.mu)
    torch.testing.assert_close(slope, wanted)


def test_shuffled_latents_keep_their_marginals_and_lose_their_correlation():
    with seeded(0):
        z = correlated(5000).z[0]
        apart = shuffled(z)
    torch.testing.assert_close(apart.sort(0).values, z.sort(0).values)
    assert abs(float(torch.corrcoef(apart.T)[0, 1])) < 5 / 5000**0.5


def test_it_trains_with_its_critic_and_resumes_bit_for_bit(tmp_path):
    with seeded(0):
        x = (torch.rand(300, 12) < 0.5).float()
    weights = []
    for stop in (False, True):
        for epochs in (2, 4) if stop else (4,):
            with seeded(0):
                model = nelbo.VAE((12,), 3, network=nelbo.networks.MLP(hidden=(16,)))
            objective = FactorVAE(gamma=2.0, hidden=(8,))
            nelbo.fit(model, x, objective=objective, epochs=epochs, batch=50, callbacks=[],
                      out=tmp_path / f"{stop}", resume=stop and epochs == 4)  # fmt: skip
        weights.append([*model.parameters(), *objective.parameters()])
    for a, b in zip(*weights, strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize("arguments", [{"gamma": -1.0}, {"hidden": ()}, {"lr": 0.0}])
def test_arguments_out_of_range_are_refused(arguments):
    with pytest.raises(BadValue, match=f"{next(iter(arguments))}: expected"):
        FactorVAE(**arguments)
