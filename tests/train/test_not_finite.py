"""Numbers that are not finite stop a run and are never saved."""

import math
import re
from dataclasses import dataclass

import pytest
import torch

import nelbo
from nelbo.data.source import index_batches
from nelbo.errors import Failed
from nelbo.objectives import ELBO, Objective
from nelbo.rng import generator
from nelbo.train import Interrupted, RunFolder, periodic
from nelbo.train.loop import Loop
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


class _Broken(torch.nn.Module):
    """An encoder that puts out `value` for examples that begin with a 1."""

    def __init__(self, value):
        super().__init__()
        self.linear, self.value = torch.nn.Linear(6, 4), value

    def forward(self, x):
        wrong = (x.flatten(1)[:, :1] == 1) * self.value
        return self.linear(x.flatten(1)) + wrong


def test_the_first_tensor_the_term_and_the_examples_are_named(x, one_line):
    """exp overflows in the posterior: of the data, the examples that begin with a 1."""
    network = nelbo.networks.Modules(_Broken(200.0), torch.nn.Linear(2, 6))
    model = nelbo.VAE((1, 2, 3), 2, network=network)
    with pytest.raises(Failed, match="epoch 1, step 1: expected a finite loss, got ") as error:
        fit(model, x)
    text = one_line(error)
    assert "first tensor: exp in posterior (Diagonal) is inf" in text
    assert "term: the KL" in text or "term: log p(x|z)" in text
    first = index_batches(33, 10, generator(0, 0), 0)[0]
    expected = [i for i in first.tolist() if x[i].flatten()[0] == 1]
    assert expected
    assert f"examples {', '.join(map(str, expected))} of the data" in text


def test_a_parameter_that_is_not_finite_is_named(make, x):
    model = make()
    with torch.no_grad():
        model.decoder[1].bias[2] = math.nan
    with pytest.raises(Failed, match=r"the parameter decoder\.1\.bias is nan in 25% of its values"):
        fit(model, x)


def test_an_objective_of_its_own_is_named_where_both_terms_are_finite(make, x):
    with pytest.raises(Failed, match=r"got nan; term: the objective itself\. Lower"):
        fit(make(), x, objective=_Breaks(math.nan, step=0))


def test_of_a_stream_the_examples_are_those_of_the_batch(x):
    network = nelbo.networks.Modules(_Broken(200.0), torch.nn.Linear(2, 6))
    model = nelbo.VAE((1, 2, 3), 2, network=network)
    rows = [i for i in range(20) if x[i].flatten()[0] == 1]
    with pytest.raises(Failed, match=f"examples {', '.join(map(str, rows[:8]))}.* of the batch"):
        fit(model, [x[:20], x[20:]])


def test_the_first_of_the_weights_is_named(make, x):
    objective = _InfiniteGradient(1.0, step=3)
    with pytest.raises(Failed, match=r"of \d+ parameters, the first \S+\. Lower"):
        fit(make(), x, objective=objective, epochs=1)


@pytest.mark.parametrize("factor", [math.nan, math.inf])
def test_the_model_in_memory_keeps_the_last_good_weights(tmp_path, make, x, same, factor, Stop):
    model, before = make(), make()
    with pytest.raises(Failed, match="epoch 2, step 6: expected a finite loss"):
        fit(model, x, objective=_Breaks(factor, step=5), out=tmp_path / "run")
    with pytest.raises(Interrupted):
        fit(before, x, callbacks=[Stop(5)])
    same(model.state_dict(), before.state_dict())
    tensors, _ = RunFolder(tmp_path / "run").newest()
    assert all(t.isfinite().all() for t in tensors.values() if t.is_floating_point())


class _InfiniteBackwards(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        return gradient * math.inf


class _BreaksAt(torch.nn.Module):
    """An encoder whose gradient, or with `value` whose exp of it, is infinite at the n-th use."""

    def __init__(self, n, value=None):
        super().__init__()
        self.linear, self.norm = torch.nn.Linear(6, 4), torch.nn.BatchNorm1d(4)
        self.n, self.value, self.used = n, value, 0

    def forward(self, x):
        h = self.linear(x.flatten(1))
        self.used += torch.is_grad_enabled()
        if self.used == self.n:
            h = _InfiniteBackwards.apply(h) if self.value is None else (0 * h + self.value).exp()
        return self.norm(h)


def _model(encoder):
    network = nelbo.networks.Modules(encoder, torch.nn.Linear(2, 6))
    return nelbo.VAE((1, 2, 3), 2, network=network)


@pytest.mark.parametrize("clip", [None, 1.0])
def test_an_infinite_gradient_is_told_with_its_step(tmp_path, x, one_line, clip):
    """The loss is finite in step 6, and nan in step 7: the weights were the first."""
    model = _model(_BreaksAt(6))
    with pytest.raises(Failed, match="epoch 2, step 7: expected a finite loss, got nan") as error:
        fit(model, x, clip=clip, out=tmp_path / "run")
    text = one_line(error)
    weights = r"the parameter encoder\S* is nan in 100% of its values"
    assert re.search(f"first tensor: {weights} since step 6, whose gradient was not finite", text)
    assert "Lower the learning rate, or bound what goes into exp, log, sqrt and divisions" in text
    assert "clipping does not mend that; the last checkpoint is intact." in text
    tensors, record = RunFolder(tmp_path / "run").newest()
    assert record["step"] == 4
    assert all(t.isfinite().all() for t in tensors.values() if t.is_floating_point())


def test_running_means_that_the_failed_pass_broke_are_not_blamed(x):
    model = _model(_BreaksAt(3, 200.0))
    with pytest.raises(Failed, match="first tensor: exp in encoder.* is inf for examples 0, 1"):
        fit(model, x)
    assert not model.state_dict()["encoder.module.norm.running_mean"].isfinite().all()


def test_a_checkpoint_within_an_epoch_is_never_of_broken_weights(tmp_path, make, x, monkeypatch):
    monkeypatch.setattr(periodic, "EVERY", 0.0)
    objective = _InfiniteGradient(1.0, step=5)
    with pytest.raises(Failed, match="epoch 2, step 6: expected a finite set of weights, got nan"):
        fit(make(), x, objective=objective, out=tmp_path / "run")
    tensors, record = RunFolder(tmp_path / "run").newest()
    assert record["step"] == 5
    assert all(t.isfinite().all() for t in tensors.values() if t.is_floating_point())


@pytest.mark.parametrize("every", [0.0, 60.0])
def test_where_no_loss_is_looked_at_steps_are_counted(tmp_path, make, x, monkeypatch, every):
    """As on an accelerator."""
    monkeypatch.setattr(periodic, "EVERY", every)
    monkeypatch.setattr(Loop, "_check", lambda self, found: None)
    step, says = (6, "1 of 2") if every == 0 else (8, "3 of 4")
    expected = f"epoch 2, step {step}: expected a finite loss at every step of the epoch, got nan; "
    with pytest.raises(Failed, match=f"{expected}{says} steps were not taken. Lower"):
        fit(make(), x, objective=_Breaks(math.nan, step=5), out=tmp_path / "run")
    tensors, record = RunFolder(tmp_path / "run").newest()
    assert record["step"] == (5 if every == 0 else 4)
    assert all(t.isfinite().all() for t in tensors.values() if t.is_floating_point())
    objective = _InfiniteGradient(1.0, step=5)
    with pytest.raises(Failed, match="epoch 2, step 6: expected a finite set of weights, got nan"):
        fit(make(), x, objective=objective)
