"""Early stopping keeps the epoch of the best ELBO at beta = 1."""

import pytest

import nelbo
from nelbo.objectives import ELBO
from nelbo.train import Callback
from tests.train.running import fit


class _Remember(Callback):
    def __init__(self, model):
        self.model, self.weights = model, []

    def on_epoch(self, metrics):
        self.weights.append({k: v.clone() for k, v in self.model.state_dict().items()})


@pytest.mark.parametrize("beta", [1.0, 4.0])
@pytest.mark.parametrize("out", [None, "run"])
def test_early_stopping_gives_the_epoch_of_the_best_elbo_at_beta_1(
    tmp_path, make, x, same, beta, out
):
    model = make()
    remember = _Remember(model)
    folder = None if out is None else tmp_path / out
    arguments = {"objective": ELBO(beta=beta), "lr": 0.3, "epochs": 30, "patience": 2}
    run = fit(model, x, valid=x[:12], out=folder, callbacks=[remember], **arguments)
    elbos = [line["valid_elbo"] for line in run.history]
    best = max(range(len(elbos)), key=elbos.__getitem__)
    assert len(elbos) == best + 1 + 2 < 30  # it stopped, two epochs after the best
    same(run.model.state_dict(), remember.weights[best])
    if folder is not None:
        same(nelbo.load(folder).state_dict(), remember.weights[best])


def test_the_best_epoch_is_not_that_of_the_objective(make, x, same, monkeypatch):
    """Validations where the ELBO is best at the second epoch, with beta = 4 at the first."""
    values = iter([(-9.0, 1.0), (-4.0, 3.0), (-8.5, 1.0), (-8.0, 1.5)])

    def validation(*arguments, **others):
        reconstruction, kl = next(values)
        numbers = {"reconstruction": reconstruction, "kl": kl, "elbo": reconstruction - kl}
        unit = "nats per example"
        return {k: nelbo.evaluate.Estimate(k, v, unit, 0.0, 5) for k, v in numbers.items()}

    monkeypatch.setattr("nelbo.train.loop.evaluate", validation)
    model = make()
    remember = _Remember(model)
    arguments = {"objective": ELBO(beta=4.0), "epochs": 9, "patience": 2}
    run = fit(model, x, valid=x[:5], callbacks=[remember], **arguments)
    assert len(run.history) == 4
    same(run.model.state_dict(), remember.weights[1])


def test_without_patience_the_last_weights_are_kept(tmp_path, make, x, same):
    run = fit(make(), x, valid=x[:12], lr=0.3, epochs=6, out=tmp_path / "run")
    same(nelbo.load(tmp_path / "run").state_dict(), run.model.state_dict())
    assert not (tmp_path / "run" / "best.safetensors").exists()
