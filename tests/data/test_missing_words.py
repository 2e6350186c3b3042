"""Missing values as other programs write them, and integers that may be pixels or counts."""

import numpy as np
import pytest

from nelbo.data.arrays import in_memory
from nelbo.data.header import Header
from nelbo.data.table import GAPS, read_cells, read_csv
from nelbo.errors import BadValue

NAN = np.nan


def written(tmp_path, text):
    path = tmp_path / "t.csv"
    path.write_text(text)
    return path


@pytest.mark.parametrize("gap", [*GAPS, " NA ", '"null"', "?", "nan"])
@pytest.mark.parametrize("start", ["a,b\n", ""])
def test_a_gap_among_numbers(tmp_path, gap, start):
    path = written(tmp_path, f"{start}1,{gap}\n{gap},4\n")
    np.testing.assert_array_equal(read_csv(path).train, [[1, NAN], [NAN, 4]])


@pytest.mark.parametrize("gap", [*GAPS, " NA ", '"null"'])
def test_a_gap_among_words(tmp_path, gap):
    found = read_csv(written(tmp_path, f"a,w\n1,red\n2,{gap}\n3,blue\n"))
    assert found.header == Header(("a", "w"), {1: ("blue", "red")})
    np.testing.assert_array_equal(found.train[:, 1], [1, NAN, 0])


def test_a_question_mark_among_words_is_one(tmp_path):
    found = read_csv(written(tmp_path, "a,w\n?,red\n2,?\n3,blue\n"))
    assert found.header == Header(("a", "w"), {1: ("?", "blue", "red")})
    np.testing.assert_array_equal(found.train, [[NAN, 2], [2, 0], [3, 1]])


def test_a_first_row_of_gaps_is_no_header(tmp_path):
    path = written(tmp_path, "NA,?\n1,2\n")
    np.testing.assert_array_equal(read_csv(path).train, [[NAN, NAN], [1, 2]])


def test_a_word_that_holds_a_gap_is_a_word(tmp_path):
    found = read_csv(written(tmp_path, "a,w\n1,NAN!\n2,na\n3,Nullable\n"))
    assert found.header.words == {1: ("NAN!", "Nullable", "na")}


def test_a_column_named_as_a_gap_keeps_its_name(tmp_path):
    assert read_csv(written(tmp_path, "K,NA\n1,2\n")).header.names == ("K", "NA")


@pytest.mark.parametrize("start", ["a,b\n", ""])
def test_cells_are_those_of_the_rows_that_are_read(tmp_path, start):
    path = written(tmp_path, f'\n{start}1.50,NA\n\n"2", 4\n')
    assert read_cells(path) == [["1.50", "NA"], ["2", " 4"]]
    np.testing.assert_array_equal(read_csv(path).train, [[1.5, NAN], [2, 4]])


def test_integers_are_told_what_they_may_be():
    with pytest.raises(BadValue) as error:
        in_memory(np.array([[0, 9]]))
    assert str(error.value).endswith(
        "got dtype int64, which may be pixels or counts. Counts: array.astype('float32'); "
        "pixels in 0..255: array.astype('uint8')."
    )
