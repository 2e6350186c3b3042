"""A compiled step is the same step, or none at all."""

import copy
import math
from functools import partial

import pytest
import torch
import torch._inductor.config
from torch import nn

import nelbo
from nelbo import matmul
from nelbo.data import Batches
from nelbo.errors import BadType
from nelbo.objectives import ELBO, Linear
from nelbo.train import Callback
from nelbo.train.arithmetic import choose
from nelbo.train.checks import check_compile
from nelbo.train.compiled import BREAK_EVEN, Compiled
from tests.train.running import fit


class Notes(Callback):
    def __init__(self):
        self.said = []

    def on_note(self, message):
        self.said.append(message)


class Normed(nn.Sequential):
    """A batch norm: buffers that each step changes."""

    def __init__(self):
        super().__init__(nn.Linear(4, 8, bias=False), nn.BatchNorm1d(8), nn.Tanh(), nn.Linear(8, 4))


@pytest.fixture(scope="module")
def data():
    return torch.rand(43, 4, generator=torch.Generator().manual_seed(0))


def _model():
    torch.manual_seed(0)
    modules = nelbo.networks.Modules(Normed(), nn.Linear(2, 4))
    likelihood = nelbo.likelihoods.Gaussian(sigma="optimal")
    return nelbo.VAE(4, 2, network=modules, likelihood=likelihood)


@pytest.fixture(scope="module", params=["fp32", "bf16"])
def pair(request, data):
    """The same run without and with compilation: schedule, buffers, short last batches."""
    notes, settings = Notes(), {"precision": request.param, "epochs": 4, "valid": data[:9]}
    settings["objective"] = ELBO(beta=Linear(steps=12))
    plain = fit(_model(), data, compile=False, **settings)
    compiled = fit(_model(), data, compile=True, **{**settings, "callbacks": [notes]})
    return request.param, plain, compiled, notes.said


def test_it_compiles_and_says_so(pair):
    _, _, _, said = pair
    assert said[0].startswith("Compiling the step")
    assert said[1].startswith("Compiled in")
    assert len(said) == 2


def test_weights_buffers_and_metrics_are_the_uncompiled_ones(pair):
    precision, plain, compiled, _ = pair
    close = {"rtol": 1e-4, "atol": 1e-5} if precision == "fp32" else {"rtol": 0.1, "atol": 0.02}
    before = _model().state_dict()
    for name, value in plain.model.state_dict().items():
        assert not torch.equal(value, before[name]), name
        torch.testing.assert_close(compiled.model.state_dict()[name], value, **close)
    for ours, theirs in zip(compiled.history, plain.history, strict=True):
        for name in ("reconstruction", "kl", "elbo", "loss", "valid_elbo"):
            assert ours[name] == pytest.approx(theirs[name], rel=10 * close["rtol"], abs=0.01)


class Looking(Notes):
    """Looks at every forward pass, as the doctor does at some."""

    def on_terms(self, step, terms, loss, objective):
        terms()


def test_to_look_at_a_compiled_step_changes_nothing(data):
    found = [
        fit(_model(), data, compile=True, epochs=1, callbacks=[kind()]).model.state_dict()
        for kind in (Notes, Looking)
    ]
    for name, value in found[0].items():
        assert torch.equal(found[1][name], value), name


def test_batches_of_another_size_are_said_to_be_uncompiled(data):
    notes = Notes()
    fit(_model(), Batches(list(data[:40].split(8))), compile=True, epochs=1, callbacks=[notes])
    assert len(notes.said) == 1
    assert notes.said[0].startswith("Not compiled, only slower: batches of 8 examples")


def test_a_batch_that_lies_otherwise_is_compiled_all_the_same(data):
    lying = [data[:10], data[10:20].t().contiguous().t(), data[20:30]]

    def weights(given, **settings):
        run = fit(_model(), Batches(given), compile=True, epochs=1, **settings)
        return run.model.state_dict()

    notes = Notes()
    found = weights(lying, callbacks=[notes])
    assert notes.said[-1].startswith("Compiled in")
    for name, value in weights([x.contiguous() for x in lying]).items():
        assert torch.equal(found[name], value), name


class Slow(nn.Linear):
    """Counts in Python, and changes so little by it that no comparison shows it."""

    calls = 0

    def forward(self, x):
        self.calls += 1
        return super().forward(x) * 0.9999**self.calls


def test_a_gradient_that_is_no_number_is_not_alike(data, monkeypatch):
    monkeypatch.setattr(Compiled, "_difference", lambda *_: math.nan)
    notes = Notes()
    fit(_model(), data, epochs=1, compile=True, callbacks=[notes])
    assert "differs by nan" in notes.said[-1]


class Counting(nn.Module):
    """Counts in Python, and multiplies by it: no compiler sees that."""

    def __init__(self):
        super().__init__()
        self.layer, self.calls = nn.Linear(4, 4), 0

    def forward(self, x):
        self.calls += 1
        return self.layer(x) * self.calls


class Asking(nn.Module):
    """Branches on a value."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x):
        return self.layer(x) if x.sum() > 0 else self.layer(-x)


@pytest.mark.parametrize("encoder", [Counting, Asking, partial(Slow, 4, 4)])
def test_what_cannot_be_compiled_trains_uncompiled(data, encoder):
    def model():
        torch.manual_seed(0)
        modules = nelbo.networks.Modules(encoder(), nn.Linear(2, 4))
        return nelbo.VAE(4, 2, network=modules, likelihood=nelbo.likelihoods.Gaussian())

    notes = Notes()
    run = fit(model(), data, epochs=1, compile=True, callbacks=[notes])
    assert notes.said[-1].startswith("Not compiled, only slower: ")
    assert math.isfinite(run.history[0]["loss"])
    plain = fit(model(), data, epochs=1, compile=False)
    for name, value in plain.model.state_dict().items():
        assert torch.equal(run.model.state_dict()[name], value)


def test_without_a_compiler_it_trains_uncompiled(data, monkeypatch, tmp_path):
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "cache"))
    torch.manual_seed(0)
    model = nelbo.VAE(5, 3, network=nelbo.networks.MLP(hidden=(7,)))
    plain, notes = copy.deepcopy(model), Notes()
    x = torch.rand(40, 5).round()
    with torch._inductor.config.patch({"cpp.cxx": (str(tmp_path / "none"),)}):
        fit(model, x, epochs=1, compile=True, callbacks=[notes])
    assert notes.said[-1].startswith("Not compiled, only slower: ")
    assert "C++" in notes.said[-1]
    fit(plain, x, epochs=1, compile=False)
    for name, value in plain.state_dict().items():
        assert torch.equal(model.state_dict()[name], value)


# --- the choice -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("compile", "steps", "expected"),
    [
        (None, BREAK_EVEN - 1, False),
        (None, BREAK_EVEN, True),
        (None, None, False),
        (True, 1, True),
        (False, 10 * BREAK_EVEN, False),
    ],
)
def test_only_long_runs_are_compiled_unless_told(make, compile, steps, expected):
    assert choose("fp32", compile, steps, make()).compiled is expected


def test_convolutions_gain_nothing_on_a_processor():
    encoder = nn.Sequential(nn.Conv2d(1, 2, 2), nn.Flatten(), nn.Linear(2, 4))
    model = nelbo.VAE((1, 2, 2), 2, network=nelbo.networks.Modules(encoder, nn.Linear(2, 4)))
    assert not choose("fp32", None, BREAK_EVEN, model).compiled
    assert choose("fp32", True, 1, model).compiled


def test_a_resumed_run_computes_as_it_began(make):
    before = {"precision": "bf16", "matmul": "default", "compiled": True}
    assert choose("auto", None, 1, make(), before).recorded() == before
    assert not choose("bf16", False, 1, make(), before).compiled


@pytest.mark.parametrize("faster", [False, True])
def test_bf16_is_chosen_only_where_it_is_faster_and_safe(make, monkeypatch, faster):
    monkeypatch.setattr(matmul, "bf16_is_faster", lambda threads: faster)
    gaussian = make(likelihood=nelbo.likelihoods.Gaussian())
    assert choose("auto", None, 1, make()).precision == ("bf16" if faster else "fp32")
    assert choose("auto", None, 1, gaussian).precision == "fp32"
    assert choose("bf16", None, 1, gaussian).precision == "bf16"


def test_the_run_says_and_records_what_was_chosen(make, x, tmp_path):
    class Beliefs(Callback):
        def on_start(self, beliefs, examples, epochs):
            self.line = beliefs["arithmetic"]

    beliefs = Beliefs()
    fit(make(), x, out=tmp_path / "run", callbacks=[beliefs])
    assert beliefs.line.startswith("fp32")
    assert beliefs.line.endswith("uncompiled steps")
    recorded = nelbo.train.RunFolder(tmp_path / "run").config()["arithmetic"]
    assert recorded == choose("fp32", None, 8, make()).recorded()


def test_compile_is_yes_or_no(make, x):
    with pytest.raises(BadType, match="expected True, False or None, got 'yes'"):
        check_compile("yes")
    with pytest.raises(TypeError):
        fit(make(), x, compile="yes")
