"""Parquet files: tables, vectors and images; in memory and by row groups."""

import io
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from nelbo.data import Examples, OnDisk, ParquetRows, Part, load, parquet_rows, rows
from nelbo.errors import BadValue, Failed, NelboWarning
from nelbo.rng import generator

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")
WHOLE = Part()
RANDOM = np.random.default_rng(0)


@pytest.fixture
def streamed(monkeypatch):
    """Let every file count as large, and three row groups as a window."""
    monkeypatch.setattr(rows, "STREAMED", 0)
    monkeypatch.setattr(parquet_rows, "WINDOW", 3 * 10 * 6)


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


def epoch(source, batch=7, seed=None, skip=0, part=WHOLE):
    return list(source.epoch(batch, None if seed is None else generator(seed), skip, part))


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
    assert torch.equal(torch.cat(epoch(source)), torch.tensor(x) / 255)
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
        assert torch.equal(torch.cat(epoch(one)), torch.cat(epoch(other)))
    assert there.checksum == load(tmp_path / "x.parquet").checksum
    assert there.checksum.startswith("sampled-")


@pytest.mark.parametrize("held_out", [False, True])
def test_laws_of_an_epoch(tmp_path, streamed, held_out):
    x = torch.from_numpy(vectors(tmp_path / "x.parquet")) / 255
    source = OnDisk(ParquetRows([tmp_path / "x.parquet"]))
    if held_out:
        kept = torch.arange(95)[torch.arange(95) % 9 > 0]
        source, x = source.take(kept), x[kept]
    whole = epoch(source, seed=1)
    places = [int((x == row).all(1).nonzero()[0]) for row in torch.cat(whole)]
    assert sorted(places) == list(range(len(x)))
    assert places != sorted(places)
    assert torch.equal(torch.cat(epoch(source)), x)
    for skip in (0, 1, 5, 99):
        assert [b.tolist() for b in epoch(source, seed=1, skip=skip)] == [
            b.tolist() for b in whole[skip:]
        ]
    shares = [epoch(source, seed=1, part=Part(rank, 3)) for rank in range(3)]
    for rows_, batch in zip(zip(*shares, strict=True), whole, strict=True):
        assert torch.equal(torch.cat(rows_), batch)
    assert [b.tolist() for b in epoch(source, seed=2)] != [b.tolist() for b in whole]


def test_a_row_group_is_read_once_an_epoch(tmp_path, streamed):
    vectors(tmp_path / "x.parquet", n=400)
    read = []

    class Watched(ParquetRows):
        def _table(self, g, columns):
            read.append(g)
            assert len(getattr(self, "_kept", ())) <= 6
            return super()._table(g, columns)

    source = OnDisk(Watched([tmp_path / "x.parquet"]))
    source.rows._kept.clear()
    source.rows._held = 0
    read.clear()
    places = source._shuffled(generator(0))
    first = (places[:30] // 10).unique()
    assert len(first) == 3  # examples of three row groups, mixed
    for _ in source.epoch(7, generator(0)):
        pass
    assert sorted(read) == list(range(40))


@pytest.mark.parametrize("seed", range(8))
def test_so_is_one_larger_than_a_window_beside_small_ones(tmp_path, streamed, seed):
    vectors(tmp_path / "a.parquet", n=130, group=130)
    vectors(tmp_path / "b.parquet", n=90)
    read = []

    class Watched(ParquetRows):
        def _table(self, g, columns):
            read.append(g)
            return super()._table(g, columns)

    source = OnDisk(Watched([tmp_path / "a.parquet", tmp_path / "b.parquet"]))
    source.rows._kept.clear()
    source.rows._held = 0
    read.clear()
    for _ in source.epoch(7, generator(seed)):
        pass
    assert sorted(read) == list(range(10))


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


def test_files_of_neither_set_are_not_mixed_with_both(tmp_path, one_line):
    for name in ("train-0", "test-0", "validation-0"):
        vectors(tmp_path / f"{name}.parquet")
    with pytest.raises(BadValue, match=r"got validation-0\.parquet") as error:
        load(tmp_path)
    one_line(error)
    (tmp_path / "test-0.parquet").unlink()
    assert sum(len(part) for part in (load(tmp_path).train, load(tmp_path).test)) == 190


def test_what_is_hidden_is_left_out(tmp_path):
    (tmp_path / ".cache").mkdir()
    for name in ("a", ".b", ".cache/c"):
        vectors(tmp_path / f"{name}.parquet")
    data = load(tmp_path)
    assert len(data.train) + len(data.test) == 95


def test_another_schema_is_named_by_file(tmp_path, one_line):
    vectors(tmp_path / "a.parquet")
    vectors(tmp_path / "b.parquet", dtype=np.float32)
    with pytest.raises(BadValue, match=r"b\.parquet, column 'x'") as error:
        load(tmp_path)
    one_line(error)


def test_missing_values_are_named_by_row_and_column(tmp_path, one_line, streamed):
    lists = pa.array([[1.0, None if i == 17 else 2.0] for i in range(25)])
    rows_ = pa.array([None if i == 17 else [1.0, 2.0] for i in range(25)])
    for table in ({"b": lists}, {"b": rows_}):
        pq.write_table(pa.table(table), tmp_path / "x.parquet", row_group_size=10)
        with pytest.raises(BadValue, match="row 17, column 'b'") as error:
            OnDisk(ParquetRows([tmp_path / "x.parquet"]))[:]
        one_line(error)


def test_empty_cells_of_a_table_are_missing(tmp_path, streamed):
    numbers, counts = pa.array([0.5, None, 2.0, np.nan]), pa.array([1, 2, None, 3])
    table = pa.table({"a": numbers, "b": counts, "c": pa.array([True, None, False, True])})
    pq.write_table(table, tmp_path / "x.parquet", row_group_size=2)
    nan = np.nan
    expected = [[0.5, 1, 1], [nan, 2, nan], [2, nan, 0], [nan, 3, 1]]
    np.testing.assert_array_equal(OnDisk(ParquetRows([tmp_path / "x.parquet"]))[:], expected)


def test_a_missing_class_is_named_by_row(tmp_path, one_line):
    label = pa.array([None if i == 17 else i for i in range(25)])
    table = pa.table({"x": [[1.0, float(i)] for i in range(25)], "label": label})
    pq.write_table(table, tmp_path / "x.parquet", row_group_size=10)
    with pytest.raises(BadValue, match="row 17, column 'label'") as error:
        load(tmp_path / "x.parquet")
    one_line(error)


def test_a_number_too_large_is_not_finite(tmp_path):
    pq.write_table(pa.table({"b": [1.0, 1e300]}), tmp_path / "x.parquet")
    with pytest.raises(BadValue, match="inf in example 1, feature 0"):
        load(tmp_path / "x.parquet")


def test_lists_of_nothing(tmp_path, one_line):
    table = pa.table({"b": pa.array([[], []], pa.list_(pa.list_(pa.float32())))})
    pq.write_table(table, tmp_path / "x.parquet")
    with pytest.raises(BadValue, match="at least one feature") as error:
        load(tmp_path / "x.parquet")
    one_line(error)


def test_a_value_that_is_infinite_is_named_by_example(tmp_path, streamed):
    column = pa.array([np.inf if i == 17 else float(i) for i in range(25)])
    pq.write_table(pa.table({"b": column}), tmp_path / "x.parquet", row_group_size=10)
    with pytest.raises(BadValue, match="inf in example 17, feature 0"):
        epoch(OnDisk(ParquetRows([tmp_path / "x.parquet"])), seed=0)


def test_vectors_of_several_lengths(tmp_path, one_line):
    lists = pa.array([[1.0, 2.0]] * 6 + [[1.0]])
    pq.write_table(pa.table({"b": lists}), tmp_path / "x.parquet")
    with pytest.raises(BadValue, match="row 6, column 'b'") as error:
        load(tmp_path / "x.parquet")
    one_line(error)


@pytest.mark.parametrize(
    "columns",
    [
        {"a": ["text", "text"], "b": [1.0, 2.0]},
        {"a": [[1.0], [2.0]], "b": [[1.0], [2.0]]},
        {"a": [["text"], ["text"]]},
        {"when": pa.array([1, 2], pa.timestamp("s"))},
    ],
)
def test_columns_that_leave_it_open_are_listed(tmp_path, columns, one_line):
    pq.write_table(pa.table(columns), tmp_path / "x.parquet")
    with pytest.raises(BadValue, match="Rename") as error:
        load(tmp_path / "x.parquet")
    for name in columns:
        assert f"{name} (" in one_line(error)


def test_integers_in_vectors_may_be_pixels_or_counts(tmp_path):
    vectors(tmp_path / "x.parquet", dtype=np.int64)
    with pytest.raises(BadValue, match="pixels or counts"):
        load(tmp_path / "x.parquet")


def test_files_by_name_and_none_at_all(tmp_path, one_line):
    x = vectors(tmp_path / "x.parquet")
    rows_ = ParquetRows([str(tmp_path / "x.parquet")])
    assert torch.equal(rows_.read(torch.arange(95)), torch.from_numpy(x))
    for paths in ([], [tmp_path / "none.parquet"]):
        with pytest.raises(BadValue, match="expected a") as error:
            ParquetRows(paths)
        one_line(error)


def test_no_rows(tmp_path, one_line):
    pq.write_table(pa.table({"a": pa.array([], pa.float32())}), tmp_path / "x.parquet")
    with pytest.raises(BadValue, match="at least one row") as error:
        load(tmp_path / "x.parquet")
    one_line(error)


@pytest.mark.parametrize("kept", [0, 3, 0.5, 0.99])
def test_truncated_files(tmp_path, kept, one_line):
    path = tmp_path / "x.parquet"
    vectors(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept * len(whole)) if kept < 1 else kept])
    with pytest.raises(BadValue) as error:
        load(path)
    assert str(path) in one_line(error)


def test_damage_inside_is_named(tmp_path, one_line):
    path = tmp_path / "x.parquet"
    table = pa.table({"x": [float(i) for i in range(5000)]})
    pq.write_table(table, path, write_page_checksum=True, compression="gzip")
    whole = bytearray(path.read_bytes())
    whole[200:4000] = bytes(3800)
    path.write_bytes(whole)
    with pytest.raises(BadValue) as error:
        load(path)
    assert str(path) in one_line(error)


def test_a_broken_image_is_named(tmp_path, one_line):
    table = pa.table({"image": [{"bytes": b"no image", "path": None}]})
    pq.write_table(table, tmp_path / "x.parquet")
    with pytest.raises(BadValue, match="row 0, column 'image'") as error:
        load(tmp_path / "x.parquet")
    one_line(error)


def test_a_file_that_vanishes_ends_the_epoch(tmp_path, one_line, streamed):
    path = tmp_path / "x.parquet"
    vectors(path, n=2000)
    epoch_ = OnDisk(ParquetRows([path])).epoch(7)
    next(epoch_)
    path.unlink()
    with pytest.raises(Failed, match="no such file") as error:
        list(epoch_)
    one_line(error)


def test_a_row_group_too_large_for_its_window_warns(tmp_path, streamed):
    vectors(tmp_path / "x.parquet", group=95)
    with pytest.warns(NelboWarning, match="row_group_size=30"):
        load(tmp_path / "x.parquet")


def test_without_pyarrow_the_extra_is_named(tmp_path, monkeypatch, one_line):
    vectors(tmp_path / "x.parquet")
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    monkeypatch.delattr(pa, "parquet")
    with pytest.raises(Failed, match=r"pip install 'nelbo\[parquet\]'") as error:
        load(tmp_path / "x.parquet")
    one_line(error)
