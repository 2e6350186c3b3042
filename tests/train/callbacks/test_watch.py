"""The monitor as a callback: what it hears of nelbo's own loop, and what that costs."""

import pytest
import torch

import nelbo
from nelbo.doctor.monitor import Monitor
from nelbo.errors import NelboWarning
from nelbo.objectives import ELBO, Linear
from nelbo.train import Callback
from nelbo.train.callbacks import Watch
from tests.train.running import fit


class Kept(Callback):
    def __init__(self):
        self.seen = []

    def on_terms(self, step, terms, loss, objective):
        assert not torch.is_grad_enabled()
        self.seen.append((step, terms(), loss, objective))


def test_a_callback_is_handed_every_step(make, x):
    kept, objective = Kept(), ELBO(beta=Linear(steps=6))
    fit(make(), x, objective=objective, callbacks=[kept])
    assert [step for step, *_ in kept.seen] == list(range(8))
    assert [len(terms.x) for _, terms, *_ in kept.seen] == [10, 10, 10, 3] * 2
    assert [o.beta for *_, o in kept.seen] == [objective.beta(step) for step in range(8)]
    for _, terms, loss, at in kept.seen:
        torch.testing.assert_close(loss, -at(terms).mean().detach())
        assert not loss.requires_grad


def test_watching_changes_nothing(make, x, same):
    alone, watched = fit(make(), x), fit(make(), x, callbacks=[Watch(Monitor(every=1))])
    same(watched.model.state_dict(), alone.model.state_dict())
    assert watched.history[-1]["loss"] == alone.history[-1]["loss"]


def test_a_collapse_is_told_during_the_run(make, x):
    objective = ELBO(beta=1000.0)
    with pytest.warns(NelboWarning, match="The posterior has collapsed"):
        fit(make(), x, objective=objective, epochs=100, lr=1e-2, callbacks=[Watch()])


def test_a_healthy_run_is_left_in_peace():
    draw = torch.Generator().manual_seed(0)
    x = (torch.randn(500, 2, generator=draw) @ torch.randn(2, 20, generator=draw) > 0).float()
    model = nelbo.VAE(20, 2, network=nelbo.networks.MLP(hidden=(16,)))
    watch = Watch()
    fit(model, x, epochs=10, batch=20, lr=1e-2, callbacks=[watch])
    assert watch.monitor.done == 250
    assert watch.monitor.findings == ()


def test_between_looks_no_mean_is_computed(make, x):
    asked = []

    class Asked(Watch):
        def on_terms(self, step, terms, loss, objective):
            due = self.monitor.due
            super().on_terms(step, terms, loss, objective)
            asked.append((step, due))

    fit(make(), x, epochs=3, callbacks=[Asked(Monitor(every=5))])
    assert [step for step, due in asked if due] == [0, 5, 10]
