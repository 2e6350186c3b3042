import numpy as np
import pytest

from nelbo.data.table import read_csv
from nelbo.errors import BadValue

GOOD = "1,2.5\n-3e2, 4\n"


@pytest.mark.parametrize(
    "text", [GOOD, "a,b\n" + GOOD, "\ufeff" + GOOD, GOOD.strip(), "\n" + GOOD + "\n",
             GOOD.replace("\n", "\r\n"), '"1","2.5"\n-300,4']
)  # fmt: skip
def test_numbers(tmp_path, text):
    path = tmp_path / "x.csv"
    path.write_text(text, encoding="utf-8", newline="")
    array = read_csv(path).train
    assert array.dtype == np.float32
    np.testing.assert_array_equal(array, [[1, 2.5], [-300, 4]])


def test_one_column(tmp_path):
    (tmp_path / "x.csv").write_text("height\n1\n2\n")
    assert read_csv(tmp_path / "x.csv").train.shape == (2, 1)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("1,2\n3\n", "line 2: expected 2 cells, as before, got 1"),
        ("1,2\n3,4,5\n", "line 2: expected 2 cells, as before, got 3"),
        ("1,2\n3,x\n", "line 2, column 2: expected a number, got 'x'"),
        ("a,b\n1,2\n\n3,\n!,1", "line 5, column 1 'a': expected a number, got '!'"),
        ("1,abc\n2,3\n", "line 1, column 2: expected a number, got 'abc'"),
        ("a;b\n1;2\n", "line 2, column 1 'a;b': expected a number, got '1;2'"),
        ("", "expected at least one row of numbers"),
        ("a,b\n", "expected at least one row of numbers"),
        ("1_0,2\n", "expected a table of numbers"),
    ],
)
def test_bad_tables_name_the_place(tmp_path, text, place, one_line):
    (tmp_path / "x.csv").write_text(text)
    with pytest.raises(BadValue) as error:
        read_csv(tmp_path / "x.csv")
    assert place in one_line(error)


@pytest.mark.parametrize("start", ["a,b,c\n", ",b,c\n", "", ",,\n"])
def test_empty_cells_are_missing(tmp_path, start):
    (tmp_path / "x.csv").write_text(start + '1,,3\n" ",5,\n', encoding="utf-8")
    expected = [[1, np.nan, 3], [np.nan, 5, np.nan]]
    missing_row = [[np.nan] * 3] if start == ",,\n" else []
    np.testing.assert_array_equal(read_csv(tmp_path / "x.csv").train, missing_row + expected)


def test_not_text(tmp_path, one_line):
    (tmp_path / "x.csv").write_bytes(b"1,2\n\xff\xfe,3\n")
    with pytest.raises(BadValue) as error:
        read_csv(tmp_path / "x.csv")
    assert "UTF-8" in one_line(error)
