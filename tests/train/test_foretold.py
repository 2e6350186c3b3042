"""The forecast that a run prints before its first step."""

import numpy as np
import pytest
import torch

import nelbo
from nelbo.data import Batches, Examples
from nelbo.likelihoods import Gaussian
from nelbo.objectives import ELBO, Linear
from nelbo.train import foretold as module
from nelbo.train.callbacks import Callback
from nelbo.train.foretold import foretold


class Listening(Callback):
    def on_start(self, beliefs, examples, epochs):
        self.beliefs = dict(beliefs)


def data(n=200):
    random = np.random.default_rng(0)
    return (random.random((n, 1)) * np.ones((1, 4)) + 0.1 * random.random((n, 4))).astype("float32")


def said(train, likelihood=None, objective=None):
    listening = Listening()
    model = nelbo.VAE((4,), latent=2, network=nelbo.networks.MLP(hidden=()), likelihood=likelihood)
    nelbo.fit(model, train, objective=objective, epochs=1, callbacks=[listening])
    return listening.beliefs.get("forecast")


def test_it_is_among_the_beliefs():
    line = said(data(), Gaussian(variance=100.0))
    assert line.startswith("collapses: margin 0.00")
    assert said(data(), Gaussian(variance=0.01)).startswith("learns: margin")


@pytest.mark.parametrize("beta", [4.0, Linear(steps=2, end=4.0)])
def test_it_takes_the_last_beta(beta):
    train, likelihood = Examples(data()), Gaussian(variance=0.1)
    expected = nelbo.forecast(train, likelihood, beta=4.0)
    line = foretold(likelihood, ELBO(beta=beta), train, steps=100)
    assert line.startswith(f"{expected.verdict}: margin {expected.margin:.3g} ")
    assert ("at the final beta of 4" in line) == (beta != 4.0)


def test_without_a_kl_nothing_collapses():
    assert "nothing holds" in foretold(Gaussian(), ELBO(beta=0.0), Examples(data()), 10)


def test_a_stream_is_not_read_once_more():
    drawn = []

    class Stream:
        def __iter__(self):
            drawn.append(1)
            return iter(torch.from_numpy(data()).split(100))

    assert foretold(Gaussian(), ELBO(), Batches(Stream()), 10) is None
    assert len(drawn) == 1


def test_many_examples_are_thinned(monkeypatch):
    monkeypatch.setattr(module, "VALUES", 200)
    line = foretold(Gaussian(variance=0.01), ELBO(), Examples(data()), 10)
    assert line.endswith(", from 50 of 200 examples")


def test_what_fails_does_not_keep_a_run_from_training(monkeypatch):
    def broken(*given, **named):
        raise RuntimeError("no such thing")

    monkeypatch.setattr(module, "forecast", broken)
    assert said(data(), Gaussian(variance=1.0)) == "none: no such thing"


def test_a_run_that_is_stopped_during_it_leaves_nothing(monkeypatch, tmp_path):
    def stopped(*given, **named):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "forecast", stopped)
    model = nelbo.VAE((4,), 2, nelbo.networks.MLP(hidden=()), Gaussian())
    with pytest.raises(KeyboardInterrupt):
        nelbo.fit(model, data(), out=tmp_path / "run", callbacks=[])
    assert not (tmp_path / "run").exists()


def test_the_random_numbers_of_a_run_stay_the_same(monkeypatch):
    def trained():
        with nelbo.rng.seeded(0):
            model = nelbo.VAE((4,), 2, nelbo.networks.MLP(hidden=()), Gaussian())
            nelbo.fit(model, Examples(data().clip(0, 1), "dynamic_binarise"), epochs=1)
            return [*(p.detach().clone() for p in model.parameters()), torch.rand(2)]

    before = trained()
    monkeypatch.setattr(module, "foretold", lambda *given: None)
    for a, b in zip(before, trained(), strict=True):
        assert torch.equal(a, b)
