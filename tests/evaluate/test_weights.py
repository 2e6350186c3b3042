"""Importance weights, compiled where it pays, are the same weights."""

import importlib

import pytest
import torch
from torch import nn

import nelbo
from nelbo.evaluate import ImportanceBound

# `nelbo.evaluate` is a function with attributes: the module is reached by its name alone
weights = importlib.import_module("nelbo.evaluate.weights")


@pytest.fixture
def model():
    torch.manual_seed(0)
    return nelbo.VAE(4, 2, network=nelbo.networks.MLP(hidden=(8,))).eval()


def _bound(model, x, **arguments):
    return nelbo.evaluate(model, x, [ImportanceBound(samples=83, chunk=7, **arguments)])


def test_compiled_or_not_the_bound_is_the_same(model, monkeypatch):
    x, programs, calls = torch.rand(23, 4).round(), [], []
    plain = _bound(model, x, batch=10)
    build = weights.compiled

    def counted(*given):
        programs.append(build(*given))
        return lambda x: calls.append(x) or programs[-1](x)

    monkeypatch.setattr(weights, "compiled", counted)
    monkeypatch.setattr(weights, "WORTH", 0.0)
    compiled = _bound(model, x, batch=10)
    assert len(programs) == 1
    # of two whole batches 11 whole chunks each, but for those timed; and the one compared
    assert len(calls) == 2 * 11 - weights.TIMED + 1
    for name, estimate in plain.items():
        assert compiled[name].value == pytest.approx(estimate.value, rel=1e-6)


def test_what_cannot_be_compiled_is_measured_all_the_same(monkeypatch):
    class Asking(nn.Linear):
        def forward(self, x):
            return super().forward(x if x.sum() > 0 else -x)

    modules = nelbo.networks.Modules(Asking(4, 4), nn.Linear(2, 4))
    torch.manual_seed(0)
    model, x = nelbo.VAE(4, 2, network=modules).eval(), torch.rand(10, 4).round()
    plain = _bound(model, x)
    monkeypatch.setattr(weights, "WORTH", 0.0)
    assert _bound(model, x) == plain


def test_a_program_that_says_something_else_is_not_used(model, monkeypatch):
    x = torch.rand(10, 4).round()
    plain = _bound(model, x)
    monkeypatch.setattr(weights, "WORTH", 0.0)
    monkeypatch.setattr(weights, "compiled", lambda log_w, x: lambda x: log_w(x) + 1)
    assert _bound(model, x) == plain


def test_rows_at_once_are_megabytes_and_at_least_one():
    assert weights.rows_at_once(torch.zeros(100, 784)) * 100 * 784 <= 2**20
    assert weights.rows_at_once(torch.zeros(10, 1)) > 1000
    assert weights.rows_at_once(torch.zeros(1, 2**21)) == 1


def test_the_caller_s_generator_is_drawn_from_alike(model, monkeypatch):
    monkeypatch.setattr(weights, "WORTH", 0.0)
    x = torch.rand(10, 4).round()
    draw = weights.Weights(model, 10**6)
    torch.manual_seed(0)
    for _ in range(weights.TIMED):
        draw(x, 3)
    after = draw(x, 3)
    torch.manual_seed(0)
    for _ in range(weights.TIMED):
        model.terms(x, 3)
    torch.testing.assert_close(after, model.terms(x, 3).log_w, rtol=1e-5, atol=1e-5)


def test_a_batch_that_lies_otherwise_is_weighed_alike(model, monkeypatch):
    monkeypatch.setattr(weights, "WORTH", 0.0)
    x = torch.rand(20, 4).round()
    lying = [x[:10], x[10:].t().contiguous().t()]
    found, plain = (_bound(model, given) for given in (lying, [x.contiguous() for x in lying]))
    for name, estimate in plain.items():
        assert found[name].value == pytest.approx(estimate.value, rel=1e-6)
