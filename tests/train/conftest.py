"""Small runs, and ways to stop them."""

import json
import os
import shutil
import signal
import subprocess
import sys

import pytest
import torch

import nelbo
from nelbo.rng import seeded
from nelbo.train import Callback

SHAPE = (1, 2, 3)


class Stop(Callback):
    """Sends the process Ctrl-C at some of its steps, as a user would."""

    def __init__(self, *steps, number=signal.SIGINT):
        self.steps, self.number, self.seen = steps, number, 0

    def on_step(self, epoch, examples, means):
        self.seen += 1
        if self.seen in self.steps:
            os.kill(os.getpid(), self.number)


@pytest.fixture(name="Stop")
def _stop():
    return Stop


@pytest.fixture(autouse=True)
def _ctrl_c_is_heard():
    """Python's own handler of Ctrl-C, also where the tests run in a shell's background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def make():
    """Return a function that makes a small model of a seed."""

    def make(seed=0, shape=SHAPE, **axes):
        with seeded(seed):
            return nelbo.VAE(shape, 2, network=nelbo.networks.MLP(hidden=(4,)), **axes)

    return make


@pytest.fixture(scope="session")
def x():
    """33 binary examples."""
    with seeded(7):
        return torch.bernoulli(torch.full((33, *SHAPE), 0.3))


def lines_of(folder):
    """Return the lines of metrics.jsonl, strictly parsed, without what a clock measured."""

    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    lines = (folder / "metrics.jsonl").read_text().splitlines()
    return [_untimed(json.loads(line, parse_constant=refuse)) for line in lines]


def _untimed(line):
    return {key: v for key, v in line.items() if key not in ("seconds", "images_per_second")}


@pytest.fixture(name="lines_of")
def _lines_of():
    return lines_of


@pytest.fixture(name="same")
def _same():
    """Return a function that asserts that tensors are equal bit for bit."""

    def same(a, b):
        assert a.keys() == b.keys()
        for name in a:
            assert a[name].dtype == b[name].dtype, name
            assert torch.equal(a[name], b[name]), name

    return same


@pytest.fixture(name="one_line")
def _one_line():
    """Return a function that asserts the house's form in one line, and gives the text."""

    def one_line(error):
        text = str(error.value)
        assert "\n" not in text
        assert ": expected " in text
        assert ", got " in text
        return text

    return one_line


@pytest.fixture
def small_disk(tmp_path):
    """Return a function that gives a real disk of so many bytes, where the machine lets us."""
    mounted = []

    def mount(size):
        place = tmp_path / "disk"
        place.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)]
        if not sys.platform.startswith("linux") or shutil.which("mount") is None:
            pytest.skip("no mount on this machine")
        if subprocess.run(command, capture_output=True).returncode:
            pytest.skip("only root may mount a small disk")
        mounted.append(place)
        return place

    yield mount
    for place in mounted:
        subprocess.run(["umount", str(place)], check=True)
