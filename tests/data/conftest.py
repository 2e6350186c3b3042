"""Real files of every format, made on the spot."""

import gzip
import struct

import numpy as np
import pytest
from PIL import Image

from nelbo.data import parquet_rows, rows


@pytest.fixture
def idx_bytes():
    """Return a function from a uint8 array to the bytes of its IDX file, by the format's text."""

    def make(array):
        head = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
        return head + array.tobytes()

    return make


@pytest.fixture
def four_files(idx_bytes):
    """Return a function that writes MNIST's four files, tiny, and gives their digests."""
    import hashlib

    def write(folder, compress=True, seed=0):
        rng = np.random.default_rng(seed)
        folder.mkdir(parents=True, exist_ok=True)
        digests = {}
        for kind, n in (("train", 5), ("t10k", 3)):
            for name, shape in (("images-idx3", (n, 4, 6)), ("labels-idx1", (n,))):
                array = rng.integers(0, 256 if len(shape) > 1 else 10, shape, dtype=np.uint8)
                data, name = idx_bytes(array), f"{kind}-{name}-ubyte"
                digests[name] = hashlib.sha256(data).hexdigest()
                if compress:
                    (folder / f"{name}.gz").write_bytes(gzip.compress(data))
                else:
                    (folder / name).write_bytes(data)
        return digests

    return write


@pytest.fixture
def save_image():
    """Return a function that writes a random image of a mode and a size (width, height)."""

    def save(path, mode="L", size=(6, 4), seed=0):
        path.parent.mkdir(parents=True, exist_ok=True)
        channels = len(Image.new(mode, (1, 1)).getbands())
        pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], channels))
        image = Image.fromarray(pixels.astype(np.uint8).squeeze(-1) if channels == 1 else
                                pixels.astype(np.uint8)).convert(mode)  # fmt: skip
        image.save(path)
        return np.asarray(image)

    return save


def one_line(error):
    """Assert that an error has the house's form in one line, and return its text."""
    text = str(error.value)
    assert "\n" not in text
    assert "expected" in text
    assert ", got " in text
    return text


@pytest.fixture(name="one_line")
def _one_line():
    return one_line


@pytest.fixture
def streamed(monkeypatch):
    """Let every file count as large, and three row groups as a window."""
    monkeypatch.setattr(rows, "STREAMED", 0)
    monkeypatch.setattr(parquet_rows, "WINDOW", 3 * 10 * 6)
