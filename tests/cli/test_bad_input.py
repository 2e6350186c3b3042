"""Bad input: one line on standard error, the right exit code, and nothing written."""

import gzip
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest

BINARY = np.tile(np.eye(8, dtype=np.uint8) * 255, (40, 1, 1, 1))


def _npz(path):
    np.savez(path, train=BINARY, test=BINARY[:5])
    return path.read_bytes()


def _idx():
    return bytes([0, 0, 8, 3]) + struct.pack(">3I", 40, 8, 8) + BINARY.tobytes()


def _nan():
    array = BINARY.astype(np.float32) / 255
    array[7, 0, 1, 1] = np.nan
    return array


def _flipped(data, place):
    changed = bytearray(data)
    changed[place] ^= 0x10
    return bytes(changed)


def _write(data):
    """Write a bad data file for each name; return its path."""
    path = Path(data)
    if data == "nan.npy":
        np.save(path, _nan())
    elif data == "outside.npy":
        np.save(path, np.full((40, 8, 8), 1.5, dtype=np.float32))
    elif data == "flat.npy":
        np.save(path, np.ones(40, dtype=np.float32))
    elif data == "one.npy":
        np.save(path, BINARY[:1])
    elif data == "text.npy":
        np.save(path, np.array(["a"] * 40))
    elif data == "truncated.npy":
        np.save(path, BINARY)
        path.write_bytes(path.read_bytes()[:-100])
    elif data == "truncated.npz":
        path.write_bytes(_npz(path)[:-300])
    elif data == "tampered.npz":
        path.write_bytes(_flipped(_npz(path), 1000))
    elif data == "pickled.npz":
        np.savez(path, train=np.array([{"a": 1}] * 40, dtype=object))
    elif data == "pickle.npy":
        path.write_bytes(pickle.dumps([1, 2, 3]))
    elif data == "unequal.npz":
        np.savez(path, train=BINARY, test=BINARY[:, :, :4])
    elif data == "truncated-idx3-ubyte":
        path.write_bytes(_idx()[:-7])
    elif data == "tampered-idx3-ubyte":
        path.write_bytes(_flipped(_idx(), 3))
    elif data == "tampered-idx3-ubyte.gz":
        path.write_bytes(_flipped(gzip.compress(_idx()), 40))
    elif data == "empty":
        path.mkdir()
    elif data == "broken":
        path.mkdir()
        (path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n no more")
    elif data == "words.csv":
        path.write_text("a,b\n1,2\n3,four\n")
    return data


BAD_DATA = {
    "mnits": "Did you mean 'mnist'?",
    "nan.npy": "finite",
    "outside.npy": "values from 1.5 to 1.5",
    "flat.npy": "axes",
    "one.npy": "at least 2 examples",
    "text.npy": "number",
    "truncated.npy": "complete NumPy file",
    "truncated.npz": "complete NumPy file",
    "tampered.npz": "complete NumPy file",
    "pickled.npz": "pickled objects, never loaded",
    "pickle.npy": "never loaded",
    "unequal.npz": "test set",
    "truncated-idx3-ubyte": "bytes of data, got",
    "tampered-idx3-ubyte": "bytes of data",
    "tampered-idx3-ubyte.gz": "IDX",
    "empty": "image",
    "broken": "a.png",
    "words.csv": "four",
}


@pytest.fixture
def refused(nelbo, snapshot, tmp_path):
    """Return a function that runs the command and asserts one line, a code, nothing written."""

    def check(*words, code=2):
        before = snapshot(tmp_path)
        got, out, err = nelbo(*words)
        assert (got, out) == (code, "")
        assert len(err.splitlines()) == 1, err
        assert err.startswith("error ")
        assert ": expected " in err
        assert ", got " in err
        assert snapshot(tmp_path) == before
        return err

    return check


@pytest.mark.parametrize("data", BAD_DATA)
def test_data(refused, tiny, SMALL, data):
    assert BAD_DATA[data] in refused("train", _write(data), *SMALL, "--out", "runs/a")


def test_data_verbs(refused, tiny):
    assert "axes" in refused("data", "show", _write("flat.npy"))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--likelihood", "gausian"), "Did you mean 'gaussian'?"),
        (("--likelihood", "bernouli"), "Did you mean 'bernoulli'?"),
        (("--likelihood", "gaussian:varianc=2"), "Did you mean 'variance'?"),
        (("--likelihood", "gaussian:variance=-1"), "positive number"),
        (("--likelihood", "gaussian:"), None),
        (("--likelihood", "gaussian:variance"), "NAME or NAME:key=value"),
        (("--posterior", "diagnal"), "Did you mean 'diagonal'?"),
        (("--prior", "standrad"), "Did you mean 'standard'?"),
        (("--objective", "elbow"), "Did you mean 'elbo'?"),
        (("--objective", "elbo:beta=-1"), "at least 0"),
        (("--objective", "elbo:beta=linear(steps=99999)"), "at most the run's"),
        (("--network", "mpl"), "Did you mean 'mlp'?"),
        (("--transform", "binarise"), "binarise"),
        (("--hidden", "5,x"), "sizes with commas between"),
        (("--hidden", "0"), "positive integers"),
        (("--latent", "0"), "at least 1"),
        (("--batch", "0"), "at least 1"),
        (("--epochs", "-1"), "at least 1"),
        (("--lr", "0"), "positive number"),
        (("--lr", "nan"), "positive number"),
        (("--clip", "0"), "positive number"),
        (("--patience", "0"), "at least 1"),
        (("--precision", "fp8"), "Known: auto, bf16, fp32"),
        (("--device", "gpu"), "Known: auto, cpu, cuda, mps"),
        (("--device", "cpu:x"), "known device"),
        (("--out", "tiny.npy"), "got the file tiny.npy"),
        (("--out", "."), "with other files"),
        (("--resume",), "no config.json"),
    ],
)
def test_settings(refused, nelbo, tiny, SMALL, words, says):
    if says is None:
        assert nelbo("train", tiny, *SMALL, *words, "--out", "a", "--epochs", 1)[0] == 0
        return
    assert says in refused("train", tiny, *SMALL, "--out", "a", *words)


def test_no_data(refused, tiny):
    assert "nelbo train mnist" in refused("train")
    assert "nelbo train --resume runs/first" in refused("train", "--resume")


def test_a_folder_that_holds_another_run(refused, nelbo, tiny, SMALL):
    nelbo("train", tiny, *SMALL, "--epochs", 1, "--out", "a")
    assert "with another run" in refused("train", tiny, *SMALL, "--out", "a")


VERBS = (("evaluate", "a"), ("sample", "a"), ("reconstruct", "a"), ("train", "--resume", "a"))


@pytest.mark.parametrize("words", VERBS)
def test_no_run(refused, tiny, words):
    assert "no config.json" in refused(*words)


@pytest.mark.parametrize("words", VERBS)
@pytest.mark.parametrize("damage", ["truncated", "flipped", "empty"])
def test_a_damaged_checkpoint(refused, nelbo, tiny, SMALL, words, damage):
    nelbo("train", tiny, *SMALL, "--epochs", 1, "--out", "a")
    newest = sorted(Path("a/checkpoints").iterdir())[-1]
    data = newest.read_bytes()
    changed = {"truncated": data[:-9], "flipped": _flipped(data, len(data) // 2), "empty": b""}
    newest.write_bytes(changed[damage])
    assert "Delete it to go on from the one before" in refused(*words)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("sample", "RUN", "--out", "a.jpg"), "a .png or .npy"),
        (("sample", "RUN", "--out", "no/a.png"), "Make it first"),
        (("reconstruct", "RUN", "--out", "a"), "a .png or .npy"),
        (("reconstruct", "RUN", "--data", "flat.npy"), "axes"),
        (("evaluate", "RUN", "--data", "mnits"), "Did you mean 'mnist'?"),
        (("evaluate", "RUN", "--device", "cuba"), "Did you mean 'cuda'?"),
    ],
)
def test_using_a_run(refused, trained, words, says):
    _write("flat.npy")
    assert says in refused(*(trained if word == "RUN" else word for word in words))


@pytest.mark.parametrize("verb", ["evaluate", "reconstruct"])
def test_data_of_another_shape_than_the_runs(refused, trained, verb):
    np.save("other.npy", BINARY[:, :, :4])
    assert "[1, 8, 8]" in refused(verb, trained, "--data", "other.npy")


def test_a_full_disk_is_exit_code_1(refused, tiny, SMALL, monkeypatch):
    import shutil

    usage = shutil.disk_usage(".")._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    assert "Free some space" in refused("train", tiny, *SMALL, "--out", "a", code=1)
