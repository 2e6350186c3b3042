"""A tiny data set, a trained run, and the command called in this process."""

import os

import numpy as np
import pytest

from nelbo.cli.app import run

os.environ.setdefault("COLUMNS", "80")


def _images(n=60, seed=0):
    """Return n binary images of 8 x 8 pixels, one of two patterns with noise, as bytes."""
    rng = np.random.default_rng(seed)
    patterns = rng.random((2, 1, 8, 8)) > 0.5
    noisy = patterns[rng.integers(0, 2, n)] ^ (rng.random((n, 1, 8, 8)) > 0.9)
    return (255 * noisy).astype(np.uint8)


SMALL = ("--latent", "2", "--hidden", "6", "--batch", "20", "--device", "cpu")


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """A .npy of 60 images in an empty folder, which is also the current one."""
    np.save(tmp_path / "tiny.npy", _images())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    return "tiny.npy"


@pytest.fixture(scope="session")
def images():
    return _images()


@pytest.fixture(scope="session", name="SMALL")
def _small():
    return SMALL


@pytest.fixture
def nelbo(capsys):
    """Return a function that runs the command here and gives exit code, stdout and stderr."""

    def call(*words, debug=False):
        capsys.readouterr()
        code = run(list(map(str, words)), debug=debug)
        return code, *capsys.readouterr()

    return call


@pytest.fixture(scope="session")
def trained_once(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    np.save(folder / "tiny.npy", _images())
    words = ["train", folder / "tiny.npy", *SMALL, "--epochs", 2, "--out", folder / "run"]
    assert run(list(map(str, words))) == 0
    return folder / "run"


@pytest.fixture
def trained(trained_once, tiny):
    """The folder of a trained run; the current folder is another one."""
    return trained_once
