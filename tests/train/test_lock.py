"""Of two processes that would write to one run's folder, one is refused."""

import signal
import time

import pytest

import nelbo
from nelbo.errors import Failed
from nelbo.rng import seeded
from nelbo.train import Callback, RunFolder
from nelbo.train.lock import Lock
from tests.train.running import fit

fcntl = pytest.importorskip("fcntl")
from tests.train.children import ended, start, train  # noqa: E402

REFUSED = "run .*: expected a folder that no other process is writing to, got one in which a run"


def test_a_second_one_is_refused_until_the_first_is_done(tmp_path, one_line):
    first, second = Lock(tmp_path), Lock(tmp_path)
    first.take()
    first.take()
    with pytest.raises(Failed, match=f"{REFUSED} is going on. Wait for it to end or stop") as error:
        second.take()
    one_line(error)
    second.release()
    with pytest.raises(Failed, match=REFUSED):
        Lock(tmp_path).take()
    first.release()
    second.take()
    second.release()
    assert not list(tmp_path.iterdir())


def test_where_there_is_nothing_to_lock_nobody_is_refused(tmp_path, monkeypatch):
    Lock(tmp_path / "missing").take()

    def unsupported(descriptor, operation):
        raise OSError(9, "Bad file descriptor")

    monkeypatch.setattr(fcntl, "flock", unsupported)
    for _ in range(2):
        Lock(tmp_path).take()


def test_a_run_is_resumed_once_at_a_time(tmp_path):
    """Also after a SIGKILL nobody has to unlock anything."""
    out = tmp_path / "run"
    child = start(train, out, 10**6)
    while not RunFolder(out).checkpoints():
        assert child.is_alive()
        time.sleep(0.002)
    for resume in (True, False):
        assert ended(start(train, out, 10**6, resume=resume)) == 1
    assert child.is_alive()
    child.kill()
    assert ended(child) == -signal.SIGKILL
    epochs = RunFolder(out).newest()[1]["epoch"] + 1
    assert ended(start(train, out, epochs, resume=True)) == 0


class _Second(Callback):
    """Begins or resumes the same run from within it, and looks at it."""

    def __init__(self, make, x, out):
        self.make, self.x, self.out, self.refused = make, x, out, []

    def on_epoch(self, metrics):
        with seeded(0):  # a new model draws its first weights
            nelbo.load(self.out)  # whoever only reads needs no lock
        for resume in (True, False):
            with pytest.raises(Failed, match=REFUSED):
                fit(self.make(), self.x, out=self.out, resume=resume)
            self.refused.append(resume)


def test_the_refused_one_touches_nothing(tmp_path, make, x, same, snapshot):
    whole, out = fit(make(), x), tmp_path / "run"
    second = _Second(make, x, out)
    run = fit(make(), x, out=out, callbacks=[second])
    assert second.refused == [True, False] * 2
    same(run.model.state_dict(), whole.model.state_dict())
    before = snapshot(out)
    fit(make(1), x, out=out, resume=True)  # unlocked at the end
    assert snapshot(out) == before


def test_of_two_that_begin_at_once_the_slower_one_is_refused(tmp_path, make, x):
    """The other has found the new folder, and taken it, before its maker has."""
    other, folder = Lock(tmp_path / "run"), RunFolder(tmp_path / "run")
    check = folder.check_new

    def checked():
        (tmp_path / "run").mkdir()
        other.take()
        return check()

    folder.check_new = checked
    with pytest.raises(Failed, match=REFUSED):
        folder.create({}, room=0)
    assert not folder.config_path.exists()
    other.release()


def test_a_failed_run_leaves_no_lock(tmp_path, make, x):
    class Fails(Callback):
        def on_step(self, epoch, examples, means):
            raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        fit(make(), x, out=tmp_path / "run", callbacks=[Fails()])
    fit(make(), x, out=tmp_path / "run", resume=True)
