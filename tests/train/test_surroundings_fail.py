"""A disk, a folder or a data file that fails under a run: one line, and nothing is lost."""

import os
import re
import shutil
import subprocess
import sys
import time

import numpy as np
import pytest

import nelbo
from nelbo.data import rows
from nelbo.train import RunFolder
from nelbo.train.checkpoint import load_checkpoint
from tests.train.running import fill

pytest.importorskip("fcntl")  # processes are forked: POSIX alone
from tests.train.children import CONTEXT, command, ended, start  # noqa: E402

SMALL = ("--latent", 2, "--hidden", 6, "--batch", 20, "--device", "cpu", "--no-compile")
LONG = 10**6  # epochs: nothing comes too late


def _images(path):
    pixels = np.random.default_rng(0).random((60, 1, 8, 8)) > 0.6
    np.save(path, (255 * pixels).astype(np.uint8))
    return path


class _Run:
    """`nelbo train` in a process of its own, in a folder `place`, the run's own folder beside."""

    def __init__(self, place, data, streamed=False):
        self.place, self.out, self.streamed = place, place / "run", streamed
        self.data = data

    def call(self, *words):
        """Run to the end; return the exit code and the lines of standard error."""
        self.begin(*words)
        return self.end()

    def begin(self, *words):
        reader, writer = CONTEXT.Pipe(duplex=False)
        self.reader = reader
        self.child = start(command, words, writer, self.place, streamed=self.streamed)
        writer.close()

    def train(self):
        """Begin, and wait for the first epoch to end."""
        self.begin("train", self.data, *SMALL, "--epochs", LONG, "--out", self.out)
        metrics = self.out / "metrics.jsonl"
        while not (metrics.exists() and metrics.stat().st_size):
            assert self.child.is_alive()
            time.sleep(0.002)

    def end(self):
        chunks = []
        while chunk := os.read(self.reader.fileno(), 65536):
            chunks.append(chunk)
        return ended(self.child), b"".join(chunks).decode().splitlines()


@pytest.fixture
def run(tmp_path):
    return _Run(tmp_path, _images(tmp_path / "x.npy"))


def _check_failed(run, pattern):
    """Assert that it ended with one line of this form, and with nothing half written."""
    code, lines = run.end()
    assert code == 1
    assert "Traceback" not in "\n".join(lines)
    assert re.search(rf"^error .*: expected {pattern}", lines[-1]), lines[-1]
    assert sum(line.startswith("error") for line in lines) == 1
    assert not list(run.out.rglob(".*"))


def _check_goes_on(run, same, lines_of):
    """Resume, and compare with a run that nothing happened to."""
    newest = RunFolder(run.out).checkpoints()[-1]
    epochs = load_checkpoint(newest)[1]["epoch"] + 2
    assert run.call("train", "--resume", run.out, "--epochs", epochs)[0] == 0
    whole = run.out.with_name("whole")
    words = ("train", run.data, *SMALL, "--epochs", epochs, "--out", whole)
    assert run.call(*words)[0] == 0
    tensors, tensors_ = (RunFolder(path).newest()[0] for path in (run.out, whole))
    same(tensors, tensors_)
    assert lines_of(run.out) == lines_of(whole)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits another process")
def test_files_that_may_not_grow(run, same, lines_of):
    import resource

    run.train()
    resource.prlimit(run.child.pid, resource.RLIMIT_FSIZE, (5000, resource.RLIM_INFINITY))
    _check_failed(run, "a folder with room and permission to write, got 'File too large'. Free")
    _check_goes_on(run, same, lines_of)


def test_a_disk_that_fills_up(run, small_disk, same, lines_of):
    disk = small_disk("3m")
    run.out = disk / "run"
    run.train()
    fill(disk / "others")
    _check_failed(run, "a folder with room .*, got 'No space left on device'. Free some space")
    (disk / "others").unlink()
    _check_goes_on(run, same, lines_of)


def test_a_disk_that_becomes_read_only(run, small_disk, same, lines_of):
    disk = small_disk("3m")
    run.out = disk / "run"
    run.train()
    _mount_again(disk, "ro")
    _check_failed(run, "a folder with room and permission to write, got 'Read-only file system'")
    nelbo.load(run.out)
    run.begin("train", "--resume", run.out)
    _check_failed(run, "a folder with room and permission to write, got 'Read-only file system'")
    _mount_again(disk, "rw")
    _check_goes_on(run, same, lines_of)


def _mount_again(disk, how):
    """Try until no file is just being written to, which the kernel waits for."""
    command = ["mount", "-o", f"remount,{how}", str(disk)]
    for _ in range(5000):
        if subprocess.run(command, capture_output=True).returncode == 0:
            return
        time.sleep(0.002)
    pytest.skip("this disk cannot be mounted again")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_whose_permission_is_taken_away(run, same, lines_of):
    run.train()
    (run.out / "checkpoints").chmod(0o500)
    _check_failed(run, "a folder with room and permission to write, got 'Permission denied'")
    (run.out / "checkpoints").chmod(0o700)
    _check_goes_on(run, same, lines_of)


def test_a_folder_that_is_moved_away(run, same, lines_of):
    run.train()
    run.out.rename(run.out.with_name("elsewhere"))
    _check_failed(run, r"the folder .*, got 'No such file or directory'. Make it, or put it back")
    run.out.with_name("elsewhere").rename(run.out)
    _check_goes_on(run, same, lines_of)


def test_a_folder_that_is_deleted(run):
    run.train()
    while run.out.exists():  # what is being written may keep it from being deleted
        shutil.rmtree(run.out, ignore_errors=True)
    _check_failed(run, r"the folder .*, got 'No such file or directory'. Make it, or put it back")
    assert not run.out.exists()
    code, lines = run.call("train", "--resume", run.out)
    assert (code, len(lines)) == (2, 1)
    assert "no config.json. Give the folder that --out named." in lines[0]


@pytest.mark.parametrize("what", ["gone", "truncated", "written anew"])
def test_a_data_file_that_is_not_what_it_was(run, same, lines_of, what):
    assert rows.STREAMED > 0
    run.streamed = True  # as files above 1 GB are
    run.train()
    kept = run.data.with_name("kept.npy")
    if what == "gone":
        run.data.rename(kept)
    else:
        shutil.copy2(run.data, kept)
        size = run.data.stat().st_size // (2 if what == "truncated" else 1)
        with open(run.data, "r+b") as file:
            file.truncate(size)
            file.seek(size - 1)
            file.write(b"\1")
    got = {"gone": "no such file", "truncated": "[0-9,]+", "written anew": "another, written since"}
    _check_failed(run, f"the file that it was, of [0-9,]+ bytes, got {got[what]}. Put it back as")
    kept.rename(run.data)
    _check_goes_on(run, same, lines_of)
