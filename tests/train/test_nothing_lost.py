"""Killed by SIGKILL at any moment and resumed, a run ends bit for bit as one that nobody killed."""

import itertools
import random
import signal
import sys
import time

import pytest

import nelbo
from nelbo.train import RunFolder
from nelbo.train.checkpoint import load_checkpoint

pytest.importorskip("fcntl")  # processes are forked: POSIX alone
from tests.train.children import ended, start, train  # noqa: E402

KILLS = 5
LONG = 10**6  # epochs: no kill comes too late


@pytest.fixture
def check_undisturbed(tmp_path, same, lines_of):
    """Return a function that compares a run with one that nobody killed."""

    def check(out, epochs, **settings):
        whole = tmp_path / "whole"
        assert ended(start(train, whole, epochs, every=60.0, **settings)) == 0
        (tensors, record), (tensors_, record_) = (RunFolder(p).newest() for p in (out, whole))
        same(tensors, tensors_)  # the optimiser's moments and the random states too
        assert all(record[k] == record_[k] for k in record if k not in ("history", "seconds"))
        same(nelbo.load(out).state_dict(), nelbo.load(whole).state_dict())
        assert lines_of(out) == lines_of(whole)
        assert not list(out.rglob(".*"))
        assert len(RunFolder(out).checkpoints()) == 2

    return check


def _wait_for_a_checkpoint(out, child):
    """Wait until there is something to be resumed, lest no run ever get anywhere."""
    while not RunFolder(out).checkpoints():
        assert child.is_alive()
        time.sleep(0.002)


def _half_written(out):
    return list((out / "checkpoints").glob(".*.new"))


def test_at_random_moments(tmp_path, check_undisturbed):
    out, moments = tmp_path / "run", random.Random(0)
    for i in range(KILLS):
        child = start(train, out, LONG, resume=i > 0, seed=i)
        _wait_for_a_checkpoint(out, child)
        time.sleep(moments.uniform(0, 0.6))
        child.kill()
        assert ended(child) == -signal.SIGKILL
    epochs = RunFolder(out).newest()[1]["epoch"] + 2
    assert ended(start(train, out, epochs, resume=True, seed=9)) == 0
    check_undisturbed(out, epochs)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks /proc for a file's name")
def test_with_half_a_checkpoint_written(tmp_path, check_undisturbed):
    out = tmp_path / "run"
    child = start(train, out, LONG, wait=True)
    while not (RunFolder(out).checkpoints() and _half_written(out)):  # that of the second one
        assert child.is_alive()
        time.sleep(0.002)
    child.kill()
    assert ended(child) == -signal.SIGKILL
    assert len(_half_written(out)) == 1
    assert [load_checkpoint(p)[1]["step"] for p in RunFolder(out).checkpoints()] == [0]
    assert ended(start(train, out, 2, resume=True, seed=9)) == 0
    check_undisturbed(out, 2)


def test_at_every_change_of_a_file(tmp_path, check_undisturbed):
    """Killed before its first, resumed and killed before its second, and so on to the end."""
    out, settings = tmp_path / "run", {"patience": 5}
    for count in itertools.count(1):
        resume = (out / "config.json").exists()
        child = start(train, out, 2, resume=resume, every=60.0, kill_at=count, **settings)
        if ended(child) != -signal.SIGKILL:
            break
    assert child.exitcode == 0
    assert count > 10
    check_undisturbed(out, 2, **settings)
