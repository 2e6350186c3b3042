"""Checkpoints within an epoch: when they are due, and that a run goes on from them."""

import time

import pytest

import nelbo
from nelbo.train import Callback, RunFolder, periodic
from nelbo.train.checkpoint import load_checkpoint
from nelbo.train.periodic import Periodic
from nelbo.world import ALONE, Alone
from tests.train.running import fit


@pytest.fixture
def clock(monkeypatch):
    """A clock that goes when it is told to, [seconds]."""
    now = [1000.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    return now


class _Counting(Alone):
    """Counts how often the processes wait for each other."""

    def __init__(self):
        self.calls = 0

    def on_main(self, call):
        self.calls += 1
        return super().on_main(call)


@pytest.mark.parametrize("seconds", [0.001, 0.3, 7.0, 100.0])
def test_once_a_minute_however_long_a_step_takes(clock, seconds):
    world = _Counting()
    asked, saved = Periodic(world), []
    for step in range(1, int(400 / seconds)):
        clock[0] += seconds
        if asked.due(step):
            saved.append(clock[0])
            asked.saved()
    apart = [b - a for a, b in zip([1000.0, *saved], saved, strict=False)]
    assert len(saved) > 0
    assert all(60 <= gap < 60 + 2 * max(1, seconds) for gap in apart)
    assert world.calls <= 500 + 3 * len(saved)  # about once a second


def test_a_checkpoint_at_an_epochs_end_counts(clock):
    asked = Periodic(ALONE)
    clock[0] += 59
    assert not asked.due(1)
    asked.saved()
    clock[0] += 59
    assert not asked.due(2)


def test_a_long_epoch_after_short_ones(clock):
    """Whatever was saved between two looks, the pace is that of the steps."""
    asked = Periodic(ALONE)
    for step in range(1, 4000):
        clock[0] += 0.01
        assert not asked.due(step)
        if step % 130 == 0:
            last = clock[0]
            asked.saved()
    while not asked.due(step):
        step, clock[0] = step + 1, clock[0] + 0.01
    assert 60 <= clock[0] - last < 62


def test_a_run_resumed_after_many_steps(clock):
    asked, step = Periodic(ALONE), 10**6
    while not asked.due(step):
        step, clock[0] = step + 1, clock[0] + 1.0
    assert 1060 <= clock[0] <= 1062


def test_all_hear_what_the_main_process_says():
    class Told(Alone):
        def on_main(self, call):
            return True, 5

    asked = Periodic(Told())
    assert [asked.due(step) for step in range(1, 7)] == [True, False, False, False, True, True]


class _Stop(Exception):
    pass


class _StopAfter(Callback):
    def __init__(self, steps):
        self.left = steps

    def on_step(self, epoch, examples, means):
        self.left -= 1
        if self.left < 0:
            raise _Stop


@pytest.mark.parametrize("steps", range(1, 8))
def test_a_run_goes_on_within_its_epoch(tmp_path, make, x, same, lines_of, monkeypatch, steps):
    monkeypatch.setattr(periodic, "EVERY", 0.0)
    out, valid = tmp_path / "run", x[:8]
    whole = fit(make(), x, valid=valid, patience=2)
    with pytest.raises(_Stop):
        fit(make(), x, valid=valid, patience=2, out=out, callbacks=[_StopAfter(steps)])
    names = [path.stem for path in RunFolder(out).checkpoints()]
    assert names == [f"{step:09d}" for step in (steps - 1, steps)]
    assert load_checkpoint(RunFolder(out).checkpoints()[-1])[1]["batches"] == steps % 4
    run = fit(make(1), x, valid=valid, patience=2, out=out, resume=True)
    same(run.model.state_dict(), whole.model.state_dict())
    timed = ("seconds", "images_per_second")
    told = [{k: v for k, v in line.items() if k not in timed} for line in whole.history]
    assert lines_of(out) == told


def test_without_a_folder_nothing_is_gathered(make, x, same, monkeypatch):
    whole = fit(make(), x)
    monkeypatch.setattr(periodic, "EVERY", 0.0)
    monkeypatch.setattr(nelbo.train.loop, "capture", None)
    same(fit(make(), x).model.state_dict(), whole.model.state_dict())
