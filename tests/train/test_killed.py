"""Killed at its least lucky moments, a run starts again or goes on, and nothing is lost."""

import json

import pytest
import torch

import nelbo
from nelbo.compare import Settings, compare
from nelbo.errors import BadValue
from nelbo.train import RunFolder, folder
from tests.train.running import fit


class _Killed(Exception):
    pass


def _kill(*arguments):
    raise _Killed


def test_between_a_checkpoint_and_its_metrics(tmp_path, make, x, lines_of, monkeypatch):
    write, calls = RunFolder.write_metrics, []

    def killed_at_the_third(self, lines):
        calls.append(1)
        return _kill() if len(calls) == 3 else write(self, lines)

    with monkeypatch.context() as patched:
        patched.setattr(RunFolder, "write_metrics", killed_at_the_third)
        with pytest.raises(_Killed):
            fit(make(), x, out=tmp_path / "run")
    assert len(lines_of(tmp_path / "run")) == 1
    run = fit(make(1), x, out=tmp_path / "run", resume=True)
    assert len(lines_of(tmp_path / "run")) == len(run.history) == 2


@pytest.fixture(params=["write_atomically", "save_checkpoint"])
def killed(request, tmp_path, make, x, monkeypatch):
    """A run killed before its configuration, or before its first checkpoint."""
    with monkeypatch.context() as patched:
        patched.setattr(folder, request.param, _kill)
        with pytest.raises(_Killed):
            fit(make(), x, out=tmp_path / "run")
    (tmp_path / "run" / ".config.json.12ab.new").write_text("half")
    (tmp_path / "run" / "checkpoints" / ".000000000.safetensors.12ab.new").write_text("half")
    return tmp_path / "run"


@pytest.mark.parametrize("resume", [False, True])
def test_before_the_first_checkpoint(killed, make, x, same, resume):
    whole = fit(make(), x)
    run = fit(make(), x, out=killed, resume=resume)
    same(run.model.state_dict(), whole.model.state_dict())
    same(nelbo.load(killed).state_dict(), whole.model.state_dict())
    assert not list(killed.rglob(".*"))


def test_a_killed_start_that_resumes_still_is_the_run_it_was(killed, make, x):
    if (killed / "config.json").exists():
        with pytest.raises(BadValue, match="expected batch = 10, as it began, got 11"):
            fit(make(), x, batch=11, out=killed, resume=True)


@pytest.mark.parametrize("name", ["notes.txt", "checkpoints/mine", "best.safetensors"])
def test_a_killed_start_with_other_files_is_refused(killed, make, x, snapshot, name):
    (killed / name).write_text("mine")
    before = snapshot(killed)
    with pytest.raises(BadValue, match="expected a new or empty folder"):
        fit(make(), x, out=killed)
    assert snapshot(killed) == before


@pytest.mark.parametrize(("name", "text"), [("config.json", "{}"), ("metrics.jsonl", "{}\n")])
def test_what_a_killed_start_cannot_have_written_is_kept(tmp_path, make, x, snapshot, name, text):
    (tmp_path / "run" / "checkpoints").mkdir(parents=True)
    (tmp_path / "run" / name).write_text(text)
    with pytest.raises(BadValue, match="expected a new or empty folder"):
        fit(make(), x, out=tmp_path / "run")
    assert (tmp_path / "run" / name).read_text() == text


@pytest.mark.parametrize("function", ["write_atomically", "save_checkpoint"])
def test_a_comparison_goes_on(tmp_path, monkeypatch, function):
    data = nelbo.data.load((torch.arange(1200) * 7 % 1200 / 1200).reshape(300, 4))
    quick = Settings(latent=2, network=nelbo.networks.MLP(hidden=(4,)), epochs=1)
    with monkeypatch.context() as patched:
        patched.setattr(folder, function, _kill)
        with pytest.raises(_Killed):
            compare(data, quick, out=tmp_path, watch=lambda loss: [])
    compare(data, quick, out=tmp_path, resume=True, watch=lambda loss: [])
    (first, *_) = sorted((tmp_path / "runs").iterdir())
    assert json.loads((first / "metrics.jsonl").read_text())["epoch"] == 1
