import numpy as np
import pytest
from PIL import Image

from nelbo.data import load
from nelbo.data.images import read_images
from nelbo.errors import BadValue


def test_grey_images_sorted_by_name(tmp_path, save_image):
    b, a = (save_image(tmp_path / f"{n}.png", seed=i) for i, n in enumerate("ba"))
    (tmp_path / "notes.txt").write_text("not an image")
    (tmp_path / "._a.png").write_text("a resource fork")
    parts = read_images(tmp_path)
    np.testing.assert_array_equal(parts.train, np.stack([a, b])[:, None])
    assert parts.train.dtype == np.uint8
    assert parts.labels is None


@pytest.mark.parametrize("ending", ["png", "bmp", "tif", "webp", "jpg", "gif"])
def test_colour_is_channel_first(tmp_path, save_image, ending):
    pixels = save_image(tmp_path / f"x.{ending}", "RGB")
    array = read_images(tmp_path).train
    assert array.shape == (1, 3, 4, 6)
    if ending in ("png", "bmp", "tif"):
        np.testing.assert_array_equal(array[0], pixels.transpose(2, 0, 1))


def test_transparency_and_bilevel(tmp_path, save_image):
    save_image(tmp_path / "a" / "x.png", "RGBA")
    save_image(tmp_path / "b" / "x.png", "1")
    assert read_images(tmp_path / "a").train.shape == (1, 3, 4, 6)
    assert set(np.unique(read_images(tmp_path / "b").train)) <= {0, 255}


def test_subfolders_are_classes(tmp_path, save_image):
    for i, name in enumerate(["dog/1.png", "cat/2.png", "cat/more/3.png"]):
        save_image(tmp_path / name, seed=i)
    assert read_images(tmp_path).labels.tolist() == [0, 0, 1]
    save_image(tmp_path / "loose.png")
    assert read_images(tmp_path).labels is None


def test_train_and_test_folders_are_the_two_sets(tmp_path, save_image):
    for name in ("train/a/1", "train/b/1", "train/b/2", "test/a/1"):
        save_image(tmp_path / f"{name}.png")
    data = load(tmp_path)
    assert (len(data.train), len(data.test)) == (3, 1)
    assert data.train.labels.tolist() == [0, 1, 1]


def test_empty_folder(tmp_path, one_line):
    with pytest.raises(BadValue) as error:
        load(tmp_path)
    assert str(tmp_path) in one_line(error)


@pytest.mark.parametrize(("mode", "size"), [("L", (6, 5)), ("RGB", (6, 4))])
def test_unlike_images_are_both_named(tmp_path, save_image, mode, size, one_line):
    save_image(tmp_path / "a.png")
    save_image(tmp_path / "b.png", mode, size)
    with pytest.raises(BadValue) as error:
        load(tmp_path)
    assert "a.png" in one_line(error)
    assert "b.png" in str(error.value)


@pytest.mark.parametrize("ending", ["png", "jpg", "bmp", "gif", "webp", "tif"])
@pytest.mark.parametrize("kept", [0, 0.1, 0.5, 0.8])
def test_truncated_images_are_named(tmp_path, save_image, ending, kept, one_line):
    path = tmp_path / f"x.{ending}"
    save_image(path, size=(64, 64))
    data = path.read_bytes()
    path.write_bytes(data[: int(kept * len(data))])
    with pytest.raises(BadValue) as error:
        load(tmp_path)
    assert str(path) in one_line(error)


def test_sixteen_bits_are_refused(tmp_path, one_line):
    Image.fromarray(np.zeros((4, 4), dtype=np.uint16)).save(tmp_path / "x.png")
    with pytest.raises(BadValue) as error:
        load(tmp_path)
    assert "8 bits" in one_line(error)
