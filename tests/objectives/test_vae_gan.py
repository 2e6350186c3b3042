import pytest
import torch
import torch.nn.functional as F

import nelbo
from nelbo.errors import BadValue
from nelbo.objectives import VAEGAN
from nelbo.rng import seeded
from nelbo.testing import check_objective
from tests.objectives.digits import digits


def made(weight=2.0):
    with seeded(0):
        network = nelbo.networks.MLP(hidden=(8,))
        model = nelbo.VAE((6,), 2, network=network)
        objective = VAEGAN(weight=weight, hidden=(7, 5))
        objective.setup((6,), 2)
        torch.nn.init.normal_(objective.critic[-2].weight)
        return model, objective, (torch.rand(4, 6) < 0.5).float()


def test_it_keeps_the_laws_that_apply():
    check_objective(VAEGAN())


def test_it_is_the_papers_sum():
    model, objective, x = made()
    with seeded(1):
        terms = model.terms(x)
        got = objective(terms)
    with seeded(1):
        terms = model.terms(x)
        z = torch.randn(1, 4, 2)
    features = objective.critic[:-2]
    apart = features(x) - features(terms.px.mean[0])
    similar = -0.5 * (apart**2 + torch.log(torch.tensor(2 * torch.pi))).sum(-1)
    verdict = F.logsigmoid(objective.critic(model.decode(z).mean[0]))
    torch.testing.assert_close(got, similar + 2.0 * verdict - terms.kl_total)


def test_decoder_and_critic_pull_against_each_other():
    model, objective, x = made(weight=1.0)
    with seeded(1):
        value = objective(model.terms(x)).mean()
    value.backward()
    assert all(p.grad is not None for p in objective.critic.parameters())
    before = {}
    for name, module in (("model", model), ("critic", objective)):
        step = [p.grad.clone() for p in module.parameters() if p.grad is not None]
        before[name] = step
    assert all(g.isfinite().all() for step in before.values() for g in step)
    with torch.no_grad():
        for p in objective.critic.parameters():
            p += 0.1 * p.grad
    with seeded(1), torch.no_grad():
        terms = model.terms(x)
        z = torch.randn(1, 4, 2)
        after = objective.critic(x).mean() - objective.critic(model.decode(z).mean[0]).mean()
    old = made(weight=1.0)[1]
    with torch.no_grad():
        start = old.critic(x).mean() - old.critic(model.decode(z).mean[0]).mean()
    assert after > start  # the critic tells data from samples better
    assert terms.has_density


def squared_error(model, images):
    x = next(iter(images.epoch(500)))
    with torch.no_grad():
        return float(((model.reconstruct(x) - x) ** 2).flatten(1).sum(1).mean())


def test_it_trains():
    images, model = digits(500)
    before = squared_error(model, images)
    nelbo.fit(model, images, objective=VAEGAN(hidden=(64, 32)), epochs=20, lr=3e-3, callbacks=[])
    assert squared_error(model, images) < 0.8 * before
    assert model.sample(3, seed=0).isfinite().all()


def test_it_says_that_it_is_no_likelihood():
    assert "no likelihood" in VAEGAN().belief


@pytest.mark.parametrize("arguments", [{"weight": -1.0}, {"hidden": ()}, {"lr": 0.0}])
def test_arguments_out_of_range_are_refused(arguments):
    with pytest.raises(BadValue, match=f"{next(iter(arguments))}: expected"):
        VAEGAN(**arguments)
