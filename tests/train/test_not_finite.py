"""Numbers that are not finite stop a run and are never saved."""

import math
from dataclasses import dataclass

import pytest

import nelbo
from nelbo.errors import Failed
from nelbo.objectives import ELBO, Objective
from tests.train.running import fit


@dataclass(frozen=True)
class _Breaks(Objective):
    """The ELBO until a step, then times a factor."""

    factor: float
    step: int
    beta: float = 1.0

    def at(self, step):
        return ELBO() if step < self.step else self

    def __call__(self, terms):
        return self.factor * ELBO()(terms)

    @property
    def belief(self):
        return "breaks"


@dataclass(frozen=True)
class _InfiniteGradient(_Breaks):
    def __call__(self, terms):
        elbo = ELBO()(terms)
        return elbo + (elbo - elbo.detach()).clamp_min(0).sqrt()  # its value is 0, its slope inf


@pytest.fixture(autouse=True)
def _registered(monkeypatch):
    known = dict(nelbo.registry._COMPONENTS["objective"], breaks=_Breaks, inf=_InfiniteGradient)
    monkeypatch.setitem(nelbo.registry._COMPONENTS, "objective", known)


@pytest.mark.parametrize("factor", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_stops_with_epoch_and_step(tmp_path, make, x, same, factor):
    whole = fit(make(), x, epochs=1)  # 4 steps
    with pytest.raises(Failed, match="epoch 2, step 6: expected a finite loss, got") as error:
        fit(make(), x, objective=_Breaks(factor, step=5), out=tmp_path / "run")
    assert "the last checkpoint is intact" in str(error.value)
    same(nelbo.load(tmp_path / "run").state_dict(), whole.model.state_dict())
    with pytest.raises(Failed) as error:
        fit(make(), x, objective=_Breaks(factor, step=5))
    assert "checkpoint" not in str(error.value)


@pytest.mark.parametrize("stop", [False, True])
def test_weights_that_are_not_finite_are_never_saved(tmp_path, make, x, same, Stop, stop):
    """A finite loss with an infinite gradient at the last step before a checkpoint."""
    whole = fit(make(), x, epochs=1)
    step = 5 if stop else 7
    callbacks = [Stop(step + 1)] if stop else []
    objective = _InfiniteGradient(1.0, step=step)
    with pytest.raises(Failed, match=f"epoch 2, step {step + 1}: expected a finite set of weights"):
        fit(make(), x, objective=objective, out=tmp_path / "run", callbacks=callbacks)
    same(nelbo.load(tmp_path / "run").state_dict(), whole.model.state_dict())


def test_a_validation_that_is_not_finite_stops_too(make, x, monkeypatch):
    found = {"elbo": nelbo.evaluate.Estimate("elbo", math.nan, "nats per example", 0.0, 3)}
    monkeypatch.setattr("nelbo.train.loop.evaluate", lambda *a, **k: found)
    with pytest.raises(Failed, match="epoch 1, step 4: expected a finite validation ELBO, got nan"):
        fit(make(), x, valid=x[:3])
