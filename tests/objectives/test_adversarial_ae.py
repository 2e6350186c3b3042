import pytest
import torch
import torch.nn.functional as F

import nelbo
from nelbo.errors import BadValue
from nelbo.objectives import AdversarialAE
from nelbo.rng import seeded
from nelbo.testing import check_objective
from tests.objectives.linear_gaussian import LinearGaussian


def test_it_keeps_the_laws():
    check_objective(AdversarialAE())


def test_it_is_the_reconstruction_and_the_critics_verdict():
    with seeded(0):
        objective = AdversarialAE(weight=3.0)
        objective.setup((6,), 2)
        terms = LinearGaussian().terms(1)
        torch.nn.init.normal_(objective.critic[-2].weight)
    objective.double()
    verdict = F.logsigmoid(objective.critic(terms.z[0]))
    torch.testing.assert_close(objective(terms), terms.log_px[0] + 3.0 * verdict)


def test_the_critic_tells_the_prior_from_a_shifted_posterior():
    objective = AdversarialAE(hidden=(32,))
    with seeded(0):
        objective.setup((6,), 2)
        objective.double()
        model = LinearGaussian(batch=200)
        model.mu = model.mu.detach() + 3.0
        adam = torch.optim.Adam(objective.critic.parameters(), lr=1e-2)
        for _ in range(200):
            adam.zero_grad()
            (-objective(model.terms(1)).mean()).backward()
            adam.step()
        posterior = objective.critic(model.terms(1).z[0])
        prior = objective.critic(torch.randn(200, 2, dtype=torch.float64))
    assert float((prior > 0).double().mean()) > 0.9
    assert float((posterior < 0).double().mean()) > 0.9


def test_latents_of_a_deterministic_encoder_become_the_priors():
    with seeded(0):
        x = torch.rand(500, 12)
        network = nelbo.networks.MLP(hidden=(32,))
        likelihood = nelbo.likelihoods.Gaussian(variance=1.0)
        model = nelbo.VAE((12,), 2, network=network, likelihood=likelihood,
                          posterior=nelbo.posteriors.Deterministic())  # fmt: skip
        torch.nn.init.constant_(model.encoder[-2].bias, 3.0)
    objective = AdversarialAE(weight=20.0, hidden=(32,))
    before = model.encode(x).mean.detach().mean(0).abs().max()
    nelbo.fit(model, x, objective=objective, epochs=60, batch=50, lr=3e-3, callbacks=[])
    after = model.encode(x).mean.detach().mean(0).abs().max()
    assert float(after) < 0.5 * float(before)


@pytest.mark.parametrize("arguments", [{"weight": -1.0}, {"hidden": (0,)}, {"lr": -1.0}])
def test_arguments_out_of_range_are_refused(arguments):
    with pytest.raises(BadValue, match=f"{next(iter(arguments))}: expected"):
        AdversarialAE(**arguments)
