import shutil

import pytest
import torch

from nelbo.data import load, mnist
from nelbo.errors import BadValue


@pytest.fixture(scope="module")
def data():
    return load("mnist")


def test_shapes_and_types(data):
    assert data.train.array.shape == (60000, 1, 28, 28)
    assert data.test.array.shape == (10000, 1, 28, 28)
    assert data.train.array.dtype == torch.uint8
    assert data.train.labels.dtype == torch.int64
    assert data.train.labels.bincount().tolist() == [
        5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]  # fmt: skip
    assert data.test.labels[:5].tolist() == [7, 2, 1, 0, 4]


def test_known_mean(data):
    mean = data.train.array.sum(dtype=torch.int64).item() / data.train.array.numel()
    assert mean == pytest.approx(33.318421, abs=5e-7)


def test_provenance_names_licence_and_split(data):
    assert "CC BY-SA 3.0" in data.provenance
    assert "as given" in data.provenance
    assert data.name == "mnist"


def test_a_tampered_package_is_refused(tmp_path, monkeypatch):
    shutil.copytree(mnist.FOLDER, tmp_path / "files")
    path = tmp_path / "files" / "t10k-labels-idx1-ubyte.gz"
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-9])
    monkeypatch.setattr(mnist, "FOLDER", tmp_path / "files")
    with pytest.raises(BadValue, match="t10k-labels.*Reinstall nelbo"):
        load("mnist")


def test_a_missing_file_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(mnist, "FOLDER", tmp_path)
    with pytest.raises(BadValue, match="train-images-idx3-ubyte.gz"):
        load("mnist")
