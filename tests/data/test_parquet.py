"""Parquet files: tables, vectors and images; in memory and by row groups."""

import numpy as np
import pytest
import torch

from nelbo.data import Examples, OnDisk, ParquetRows, load, rows
from nelbo.errors import BadValue
from tests.data.parquet_files import RANDOM, image_table, pa, pq, vectors


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64, bool])
def test_vectors_in(tmp_path, dtype):
    x = vectors(tmp_path / "x.parquet", dtype=dtype)
    found = ParquetRows([tmp_path / "x.parquet"]).read(torch.arange(95))
    assert torch.equal(found, Examples(x).array)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_vectors_with_labels(tmp_path, dtype):
    x = vectors(tmp_path / "x.parquet", dtype=dtype)
    data, same = load(tmp_path / "x.parquet"), load(x)
    assert isinstance(data.train, Examples)
    assert torch.equal(data.train[:], same.train[:])
    assert torch.equal(data.test[:], same.test[:])
    everything = Examples(x, labels=np.arange(95) % 7)
    for label, row in zip(data.test.labels, data.test.array, strict=True):
        place = int((everything.array == row).all(1).nonzero()[0])
        assert label == place % 7


def test_columns_of_numbers_are_features(tmp_path):
    table = pa.table(
        {"a": [1.0, 2.0], "b": [3, 4], "c": [True, False], "__index_level_0__": [8, 9]}
    )
    pq.write_table(table, tmp_path / "x.parquet")
    assert ParquetRows([tmp_path / "x.parquet"]).read(torch.arange(2)).tolist() == [
        [1.0, 3.0, 1.0],
        [2.0, 4.0, 0.0],
    ]


@pytest.mark.parametrize("kind", ["variable", "large", "nested"])
def test_lists_of_every_kind(tmp_path, kind):
    x = RANDOM.normal(size=(5, 2, 3)).astype(np.float32)
    inner = pa.list_(pa.float32())
    type_ = {"variable": inner, "large": pa.large_list(pa.float32()), "nested": pa.list_(inner)}
    x = x if kind == "nested" else x.reshape(5, 6)
    table = pa.table({"v": pa.array(x.tolist(), type_[kind])})
    pq.write_table(table, tmp_path / "x.parquet", row_group_size=2)
    found = ParquetRows([tmp_path / "x.parquet"]).read(torch.tensor([4, 0, 3]))
    assert torch.equal(found, torch.from_numpy(x)[[4, 0, 3]])


def test_images(tmp_path, streamed):
    table, x = image_table()
    pq.write_table(table, tmp_path / "x.parquet", row_group_size=5)
    source = OnDisk(ParquetRows([tmp_path / "x.parquet"]))
    assert source.shape == (3, 5, 6)
    assert torch.equal(torch.cat(list(source.epoch(7))), torch.tensor(x) / 255)
    assert ParquetRows([tmp_path / "x.parquet"]).labels().tolist() == list(range(12))


def test_large_files_are_split_and_read_as_small_ones(tmp_path, monkeypatch):
    vectors(tmp_path / "x.parquet")
    here = load(tmp_path / "x.parquet")
    monkeypatch.setattr(rows, "STREAMED", 0)
    there = load(tmp_path / "x.parquet")
    assert isinstance(there.train, OnDisk)
    for one, other in ((here.train, there.train), (here.test, there.test)):
        assert torch.equal(one[:], other[:])
        assert torch.equal(one.labels, other.labels)
        assert torch.equal(torch.cat(list(one.epoch(7))), torch.cat(list(other.epoch(7))))
    assert there.checksum == load(tmp_path / "x.parquet").checksum
    assert there.checksum.startswith("sampled-")


def test_several_files_are_one(tmp_path, streamed):
    x = [vectors(tmp_path / "folder" / name, n=n) for name, n in make(tmp_path)]
    source = load(tmp_path / "folder")
    found = OnDisk(ParquetRows(sorted((tmp_path / "folder").glob("*.parquet"))))
    assert torch.equal(found[:], torch.from_numpy(np.concatenate(x)) / 255)
    assert len(source.train) + len(source.test) == 45


def make(folder):
    (folder / "folder").mkdir()
    return [("a.parquet", 25), ("b.parquet", 20)]


@pytest.mark.parametrize(
    "names",
    [
        ("train-0", "train-1", "test-0"),
        ("train/0", "train/1", "test/0"),
        ("data/train-0", "data/train-1", "data/test-0"),
        ("default/train/0", "default/train/test-1", "default/test/0"),
    ],
)
def test_files_of_train_and_test(tmp_path, names):
    for i, name in enumerate(names):
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        vectors(tmp_path / f"{name}.parquet", n=10 + i)
    data = load(tmp_path)
    assert (len(data.train), len(data.test)) == (21, 12)
    assert data.train.labels.tolist()[:11] == [*range(7), 0, 1, 2, 0]


def test_what_is_hidden_is_left_out(tmp_path):
    (tmp_path / ".cache").mkdir()
    for name in ("a", ".b", ".cache/c"):
        vectors(tmp_path / f"{name}.parquet")
    data = load(tmp_path)
    assert len(data.train) + len(data.test) == 95


def test_empty_cells_of_a_table_are_missing(tmp_path, streamed):
    numbers, counts = pa.array([0.5, None, 2.0, np.nan]), pa.array([1, 2, None, 3])
    table = pa.table({"a": numbers, "b": counts, "c": pa.array([True, None, False, True])})
    pq.write_table(table, tmp_path / "x.parquet", row_group_size=2)
    nan = np.nan
    expected = [[0.5, 1, 1], [nan, 2, nan], [2, nan, 0], [nan, 3, 1]]
    np.testing.assert_array_equal(OnDisk(ParquetRows([tmp_path / "x.parquet"]))[:], expected)


def test_files_by_name_and_none_at_all(tmp_path, one_line):
    x = vectors(tmp_path / "x.parquet")
    rows_ = ParquetRows([str(tmp_path / "x.parquet")])
    assert torch.equal(rows_.read(torch.arange(95)), torch.from_numpy(x))
    for paths in ([], [tmp_path / "none.parquet"]):
        with pytest.raises(BadValue, match="expected a") as error:
            ParquetRows(paths)
        one_line(error)
