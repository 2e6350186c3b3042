"""Folders of images that are read one by one."""

import numpy as np
import pytest
import torch

from nelbo.data import Examples, OnDisk, load, rows
from nelbo.errors import BadValue, Failed
from nelbo.rng import generator


@pytest.fixture
def small(monkeypatch):
    """Let folders of more than 10 bytes of pixels count as large."""
    monkeypatch.setattr(rows, "STREAMED", 10)


@pytest.fixture
def folder(tmp_path, save_image):
    for i in range(20):
        save_image(tmp_path / "images" / "ab"[i % 2] / f"{i:02}.png", "RGB", seed=i)
    return tmp_path / "images"


def test_a_large_folder_gives_what_a_small_one_gives(folder, monkeypatch):
    here = load(folder)
    monkeypatch.setattr(rows, "STREAMED", 10)
    there = load(folder)
    assert isinstance(here.train, Examples)
    assert isinstance(there.train, OnDisk)
    assert there.train.shape == (3, 4, 6)
    assert torch.equal(here.train.labels, there.train.labels)
    assert torch.equal(here.test[:], there.test[:])
    for skip in (0, 3):
        one, other = (list(d.train.epoch(4, generator(1), skip)) for d in (here, there))
        assert torch.equal(torch.cat(one), torch.cat(other))
    assert there.checksum == load(folder).checksum


def test_train_and_test_folders(tmp_path, save_image, small):
    for name in ("train/a/1", "train/b/1", "train/b/2", "test/a/1"):
        save_image(tmp_path / f"{name}.png")
    data = load(tmp_path)
    assert (len(data.train), len(data.test)) == (3, 1)
    assert data.train.labels.tolist() == [0, 1, 1]


def test_another_image_is_another_checksum(folder, save_image, small):
    before = load(folder).checksum
    save_image(folder / "a" / "04.png", "RGB", seed=99)
    assert load(folder).checksum != before


@pytest.mark.parametrize(("mode", "size"), [("L", (6, 4)), ("RGB", (6, 5))])
def test_unlike_images_are_refused_before_anything_is_drawn(folder, save_image, small, mode, size):
    save_image(folder / "b" / "07.png", mode, size)
    with pytest.raises(BadValue, match=r"07\.png: expected an RGB image of 4 x 6 as in .*00\.png"):
        load(folder)


def test_a_truncated_image_is_named_when_it_is_drawn(folder, small, one_line):
    train = load(folder).train
    for path in folder.rglob("*.png"):
        path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(BadValue) as error:
        list(train.epoch(4))
    assert ".png" in one_line(error)


def test_a_vanished_image_is_named(folder, small, one_line):
    train = load(folder).train
    epoch = train.epoch(1)
    next(epoch)
    for path in folder.rglob("*.png"):
        path.unlink()
    with pytest.raises(Failed, match="no such file") as error:
        list(epoch)
    one_line(error)


def test_no_image_at_all(folder, small):
    (folder / "a" / "02.png").write_bytes(np.zeros(50).tobytes())
    with pytest.raises(BadValue, match=r"02\.png"):
        load(folder)


def test_an_image_that_vanished_has_no_digest(folder, small, one_line):
    train = load(folder).train
    next(folder.rglob("*.png")).unlink()
    with pytest.raises(Failed, match="no such file") as error:
        train.identity()
    one_line(error)
