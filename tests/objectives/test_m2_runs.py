"""M2 in a run: validation, early stopping, and the classifier loaded from the folder."""

import pytest
import torch

import nelbo
from nelbo.data import beside
from nelbo.errors import BadValue
from nelbo.objectives import M2
from nelbo.rng import seeded


def clusters(n):
    with seeded(3):
        patterns = (torch.rand(2, 12) < 0.5).float()
        labels = torch.randint(2, (n,))
        x = torch.where(torch.rand(n, 12) < 0.15, 1 - patterns[labels], patterns[labels])
        return x, labels


@pytest.mark.parametrize("known", [0.0, 0.5, 1.0])
def test_validation_takes_known_and_unknown_classes(known, tmp_path):
    x, labels = clusters(120)
    some = torch.where(torch.arange(120) < 100 + 20 * known, labels, -1)
    data = beside(x, some, classes=2)
    objective = M2(hidden=(6,))
    with seeded(0):
        model = nelbo.VAE(12, 1, nelbo.networks.MLP(hidden=(6,)), covariates=2)
    options = {"epochs": 2, "callbacks": [], "out": tmp_path / "run", "patience": 5}
    run = nelbo.fit(model, data[:100], valid=data[100:], objective=objective, **options)
    last = run.history[-1]
    assert last["valid_elbo"] == pytest.approx(last["valid_reconstruction"] - last["valid_kl"])
    measured = objective.measured(model)
    again = nelbo.evaluate(measured.eval(), data[100:], [nelbo.evaluate.ELBO()])["elbo"]
    if last["valid_elbo"] > run.history[0]["valid_elbo"]:  # else the weights are the first epoch's
        assert again.value == pytest.approx(last["valid_elbo"], rel=1e-6)


def test_the_classifier_is_loaded_from_the_run(tmp_path):
    x, labels = clusters(200)
    labels[20:] = -1
    with seeded(0):
        model = nelbo.VAE(12, 1, nelbo.networks.MLP(hidden=(6,)), covariates=2)
    objective = M2(alpha=3.0, hidden=(6,), lr=0.01)
    data = beside(x, labels, classes=2)
    nelbo.fit(model, data, objective=objective, epochs=2, out=tmp_path / "run", callbacks=[])
    found = nelbo.load_objective(tmp_path / "run")
    assert (found.alpha, found.hidden, found.lr) == (3.0, (6,), 0.01)
    assert not found.training
    assert torch.equal(found.classify(data), objective.classify(data))
    found.measured(nelbo.load(tmp_path / "run"))


def test_under_early_stopping_model_and_classifier_are_of_one_epoch(tmp_path):
    with seeded(0):
        labels = torch.arange(120) % 2
        x = (torch.rand(120, 16) < 0.3 + 0.4 * labels[:, None]).float()
        train = beside(x, torch.where(torch.arange(120) < 20, labels, -1))
        valid = beside((torch.rand(60, 16) < 0.5).float(), [-1] * 58 + [0, 1])
        model = nelbo.VAE(16, 3, nelbo.networks.MLP(hidden=(64,)), covariates=2)
    objective = M2(alpha=30.0, hidden=(32,))
    settings = {"epochs": 60, "patience": 5, "batch": 20, "lr": 0.01, "callbacks": []}
    out = tmp_path / "run"
    run = nelbo.fit(model, train, valid=valid, objective=objective, out=out, **settings)
    each = [line["valid_elbo"] for line in run.history]
    assert max(each) > each[-1]
    again = nelbo.load_objective(out).measured(nelbo.load(out))
    for found in (objective.measured(run.model), again):
        elbo = nelbo.evaluate(found, valid, [nelbo.evaluate.ELBO()])["elbo"]
        assert elbo.value == pytest.approx(max(each), abs=1e-5)


def test_what_learns_nothing_is_loaded_too(tmp_path):
    x, _ = clusters(50)
    nelbo.fit(nelbo.VAE(12, 1), x, epochs=1, out=tmp_path / "run", callbacks=[])
    assert nelbo.load_objective(tmp_path / "run") == nelbo.objectives.ELBO()
    with pytest.raises(BadValue, match="expected a nelbo run"):
        nelbo.load_objective(tmp_path)
