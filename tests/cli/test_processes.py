"""The command as a process of its own: signals, terminals, pipes."""

import itertools
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import nelbo as library

COMMAND = Path(sys.executable).with_name("nelbo")


@pytest.fixture(autouse=True)
def _ctrl_c_is_heard():
    """Children hear Ctrl-C, also where the tests run in a shell's background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def start(tiny):
    """Return a function that starts the command; whatever still runs at the end is stopped."""
    started = []

    def start(*words, **streams):
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams}
        process = subprocess.Popen([COMMAND, *map(str, words)], text=True, **streams)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        for stream in filter(None, (process.stdout, process.stderr)):
            stream.close()


def _epochs_done(out):
    metrics = out / "metrics.jsonl"  # not there before the first checkpoint
    return len(metrics.read_text().splitlines()) if metrics.exists() else 0


def _check_against_an_uninterrupted_run(nelbo, tiny, SMALL, epochs):
    assert nelbo("train", tiny, *SMALL, "--epochs", epochs, "--out", "whole")[0] == 0
    a, b = (library.load(out).state_dict() for out in ("a", "whole"))
    assert all(torch.equal(a[name], b[name]) for name in b)
    lines = [Path(out, "metrics.jsonl").read_text().splitlines() for out in ("a", "whole")]
    resumed, whole = ([json.loads(line)["elbo"] for line in run] for run in lines)
    assert resumed == whole
    assert len(whole) == epochs


def test_ctrl_c_and_resume(start, nelbo, tiny, SMALL):
    process = start("train", tiny, *SMALL, "--epochs", 10**6, "--no-compile", "--out", "a")
    next(line for line in process.stderr if re.match(r"epoch +2/", line))
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    assert (process.returncode, out) == (130, "")
    assert "Traceback" not in err
    *_, stopped, advice = err.rstrip("\n").splitlines()
    assert re.fullmatch(r"Stopped (in|after) epoch \d+(, after step \d+)?; saved in a\.", stopped)
    assert advice == "Go on with: nelbo train --resume a"
    epochs = _epochs_done(Path("a")) + 2
    process = start("train", "--resume", "a", "--epochs", epochs)
    assert process.communicate()[0].startswith("a: written.")
    assert process.returncode == 0
    _check_against_an_uninterrupted_run(nelbo, tiny, SMALL, epochs)


# so many lines: before the first checkpoint, or in an epoch, where is chance
@pytest.mark.parametrize("moment", [3, 4, 9])
def test_killed_at_any_moment_and_resumed(start, nelbo, tiny, SMALL, moment):
    process = start("train", tiny, *SMALL, "--epochs", 10**6, "--no-compile", "--out", "a")
    for _ in itertools.islice(process.stderr, moment):
        pass
    process.kill()
    process.communicate()
    epochs = _epochs_done(Path("a")) + 2
    assert nelbo("train", "--resume", "a", "--epochs", epochs)[0] == 0
    assert not list(Path("a").rglob(".*"))
    _check_against_an_uninterrupted_run(nelbo, tiny, SMALL, epochs)


def test_errors_and_exit_codes_of_the_process(start, snapshot, tmp_path):
    before = snapshot(tmp_path)
    process = start("train", "mnits", "--out", "a")
    out, err = process.communicate()
    assert (process.returncode, out) == (2, "")
    assert err.startswith("error data: expected a known name")
    assert "Did you mean 'mnist'?" in err
    assert len(err.splitlines()) == 1
    assert snapshot(tmp_path) == before


def test_whoever_reads_may_go_away(start):
    """As in `nelbo data list | head -0`."""
    read, write = os.pipe()
    os.close(read)
    process = start("data", "list", stdout=write)
    os.close(write)
    assert process.communicate()[1] == ""
    assert process.returncode == 1


def test_a_terminal_sees_a_live_line_and_keeps_one_line_an_epoch(start, tiny, SMALL, monkeypatch):
    pty, termios = pytest.importorskip("pty"), pytest.importorskip("termios")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("COLUMNS")
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    words = ("train", tiny, *SMALL, "--epochs", 3, "--out", "a")
    process = start(*words, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown = _read_all(ours)
    assert process.wait() == 0
    assert "\x1b[" in shown
    frames = [re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", s) for s in re.split(r"[\r\n]", shown)]
    live = r"epoch \d/3 +reconstruction -\d+\.\d, kl \d+\.\d nats, [\d,]+ examples/s +\S+ left *"
    assert any(re.fullmatch(live, frame) for frame in frames)
    for epoch in (1, 2, 3):
        kept = rf"epoch {epoch}/3  reconstruction -[\d.]+, kl [\d.]+ nats, [\d,]+ examples/s"
        assert sum(bool(re.fullmatch(kept, frame)) for frame in frames) == 1
    assert max(map(len, frames)) <= 80
    assert shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l")  # the cursor is back


def _read_all(terminal):
    """Read until the other side is closed, which Linux tells by an error."""
    chunks = []
    try:
        while chunk := os.read(terminal, 65536):
            chunks.append(chunk)
    except OSError:
        pass
    os.close(terminal)
    return b"".join(chunks).decode()
