"""Parquet files of vectors and images, made on the spot."""

import io

import numpy as np
import pytest
from PIL import Image

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")
RANDOM = np.random.default_rng(0)


def vectors(path, n=95, dtype=np.uint8, group=10, labels=True):
    x = RANDOM.integers(0, 256, (n, 6)).astype(dtype)
    columns = {"x": pa.FixedSizeListArray.from_arrays(pa.array(x.ravel()), 6)}
    if labels:
        columns["label"] = pa.array(np.arange(n) % 7)
    pq.write_table(pa.table({**columns, "note": ["text"] * n}), path, row_group_size=group)
    return x


def encoded(array):
    file = io.BytesIO()
    Image.fromarray(array).save(file, format="png")
    return file.getvalue()


def image_table(n=12):
    x = RANDOM.integers(0, 256, (n, 5, 6, 3), dtype=np.uint8)
    held = [{"bytes": encoded(a), "path": None} for a in x]
    return pa.table({"image": held, "label": list(range(n))}), x.transpose(0, 3, 1, 2)
