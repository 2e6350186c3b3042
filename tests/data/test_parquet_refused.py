"""Parquet files that are refused: damaged, ambiguous, with holes; each names its place."""

import sys

import numpy as np
import pytest

from nelbo.data import OnDisk, ParquetRows, load
from nelbo.errors import BadValue, Failed, NelboWarning
from nelbo.rng import generator
from tests.data.parquet_files import pa, pq, vectors


def test_files_of_neither_set_are_not_mixed_with_both(tmp_path, one_line):
    for name in ("train-0", "test-0", "validation-0"):
        vectors(tmp_path / f"{name}.parquet")
    with pytest.raises(BadValue, match=r"got validation-0\.parquet") as error:
        load(tmp_path)
    one_line(error)
    (tmp_path / "test-0.parquet").unlink()
    assert sum(len(part) for part in (load(tmp_path).train, load(tmp_path).test)) == 190


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
        list(OnDisk(ParquetRows([tmp_path / "x.parquet"])).epoch(7, generator(0)))


def test_vectors_of_several_lengths(tmp_path, one_line):
    lists = pa.array([[1.0, 2.0]] * 6 + [[1.0]])
    pq.write_table(pa.table({"b": lists}), tmp_path / "x.parquet")
    with pytest.raises(BadValue, match="row 6, column 'b'") as error:
        load(tmp_path / "x.parquet")
    one_line(error)


@pytest.mark.parametrize(
    "columns",
    [
        {"a": [b"some", b"bytes"], "b": [1.0, 2.0]},
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
