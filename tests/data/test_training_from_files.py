"""Training from files: they may vanish, and the run goes on where it was."""

import os
import shutil
import signal

import numpy as np
import pytest
import torch

import nelbo
from nelbo.data import Batches, Examples, Indexed, MapDataset, NpyRows, OnDisk, Stream, rows
from nelbo.errors import Failed
from nelbo.train import Callback, Interrupted, RunFolder

X = np.random.default_rng(0).integers(0, 256, (230, 6), dtype=np.uint8)
SETTINGS = {"batch": 10, "epochs": 2, "seed": 3}


@pytest.fixture
def path(tmp_path):
    np.save(tmp_path / "x.npy", X)
    return tmp_path / "x.npy"


class At(Callback):
    """Does something after a step."""

    def __init__(self, step, what):
        self.step, self.what, self.done = step, what, 0

    def on_step(self, epoch, examples, means):
        self.done += 1
        if self.done == self.step:
            self.what()


def stop():
    signal.raise_signal(signal.SIGTERM)  # a shell's background jobs ignore SIGINT


def trained(data, callbacks=(), **more):
    torch.manual_seed(0)
    likelihood = nelbo.likelihoods.ContinuousBernoulli()
    network = nelbo.networks.MLP(hidden=(8,))
    model = nelbo.VAE(data_shape=(6,), latent=2, network=network, likelihood=likelihood)
    nelbo.fit(model, data, callbacks=list(callbacks), **{**SETTINGS, **more})
    return torch.cat([p.detach().flatten() for p in model.parameters()])


class Numbers(torch.utils.data.IterableDataset):
    def __iter__(self):
        return iter(torch.from_numpy(X))


def sources(path):
    yield "scale", lambda transform: OnDisk(NpyRows(path), transform)
    yield "dynamic_binarise", lambda transform: OnDisk(NpyRows(path), transform)
    yield "dynamic_binarise", lambda transform: Stream(Numbers(), transform, buffer=50)


def test_what_is_made_of_data_draws_nothing_of_the_callers(path):
    before = torch.get_rng_state()
    for _, make in sources(path):
        make("dynamic_binarise")
    MapDataset(list(torch.from_numpy(X)), "dynamic_binarise")
    Batches([torch.from_numpy(X)], "dynamic_binarise")
    assert torch.equal(before, torch.get_rng_state())


def test_a_file_trains_as_the_array_does(path):
    assert torch.equal(trained(OnDisk(NpyRows(path))), trained(Examples(X)))


@pytest.mark.parametrize("which", range(3))
@pytest.mark.parametrize("step", [1, 9, 23, 40])
def test_stopped_and_resumed_it_ends_the_same(path, tmp_path, which, step):
    transform, make = list(sources(path))[which]
    whole, out = trained(make(transform)), tmp_path / "run"
    with pytest.raises(Interrupted):
        trained(make(transform), [At(step, stop)], out=out)
    assert torch.equal(trained(make(transform), out=out, resume=True), whole)


@pytest.mark.parametrize("harm", ["vanish", "shrink"])
def test_a_file_that_goes_leaves_the_last_checkpoint(path, tmp_path, harm, one_line):
    source, whole, out = OnDisk(NpyRows(path)), trained(OnDisk(NpyRows(path))), tmp_path / "run"
    shutil.copy2(path, tmp_path / "kept.npy")
    hurt = path.unlink if harm == "vanish" else lambda: os.truncate(path, 700)
    with pytest.raises(Failed) as error:
        trained(source, [At(30, hurt)], out=out)
    assert str(path) in one_line(error)
    tensors, record = RunFolder(out).newest()
    assert tensors
    assert record["epoch"] == 1
    shutil.copy2(tmp_path / "kept.npy", path)
    assert torch.equal(trained(source, out=out, resume=True), whole)


def test_other_data_is_not_taken_for_the_same(path, tmp_path):
    with pytest.raises(Interrupted):
        trained(OnDisk(NpyRows(path)), [At(5, stop)], out=tmp_path / "run")
    np.save(tmp_path / "y.npy", 255 - X)
    with pytest.raises(ValueError, match="fingerprint"):
        trained(OnDisk(NpyRows(tmp_path / "y.npy")), out=tmp_path / "run", resume=True)


def test_every_indexed_source_has_a_forecast(path, capsys):
    said = {}

    class Hear(Callback):
        def on_start(self, beliefs, examples, epochs):
            said.update(beliefs)

    trained(OnDisk(NpyRows(path)), [Hear()])
    assert "margin" in said["forecast"]


def test_the_command_line_takes_large_files(path, tmp_path, monkeypatch, capsys):
    from typer.testing import CliRunner

    from nelbo.cli.app import app

    monkeypatch.setattr(rows, "STREAMED", 0)
    data = nelbo.data.load(path)
    assert isinstance(data.train, OnDisk)
    assert isinstance(data.train, Indexed)
    run = str(tmp_path / "run")
    for command in (
        ["data", "show", str(path)],
        ["forecast", str(path), "--likelihood", "continuous_bernoulli"],
        ["train", str(path), "--out", run, "--epochs", "1", "--hidden", "4", "--latent", "2",
         "--patience", "1", "--likelihood", "continuous_bernoulli"],
        ["evaluate", run],
    ):  # fmt: skip
        found = CliRunner().invoke(app, command)
        assert found.exit_code in ((0, 1) if command[0] == "forecast" else (0,)), found.output
