"""Columns of words: their codes, the words again, and what is no column of categories."""

import numpy as np
import pytest
import torch

import nelbo
from nelbo.data import load, load_with
from nelbo.data.header import MOST, Header
from nelbo.data.table import read_csv
from nelbo.errors import BadValue

COLOURS = ("red", "blue", "", "teal") * 10


def table(path, colours=COLOURS, name="colour"):
    rows = [f"{i},{colour}" for i, colour in enumerate(colours)]
    path.write_text("\n".join([f"size,{name}", *rows]) + "\n")
    return path


def test_words_become_codes_in_their_order_and_an_empty_cell_is_missing(tmp_path):
    found = read_csv(table(tmp_path / "t.csv"))
    assert found.header == Header(("size", "colour"), {1: ("blue", "red", "teal")})
    np.testing.assert_array_equal(found.train[:4], [[0, 1], [1, 0], [2, np.nan], [3, 2]])
    assert found.header.cells(found.train[1]) == ["1", "blue"]
    assert found.header.cells(found.train[2]) == ["2", ""]


def test_both_sets_of_a_split_know_all_words(tmp_path):
    data = load(table(tmp_path / "t.csv"))
    assert data.header == data.train.header == data.test.header
    assert data.train.take([0, 1]).header == data.header


def test_a_header_outlives_json_and_loses_columns():
    header = Header(("a", "b", "c"), {1: ("x", "y"), 2: ("no", "yes")})
    assert Header.of(header.record()) == header
    assert header.without([1]) == Header(("a", "c"), {1: ("no", "yes")})
    assert Header((), {2: ("x",)}).without([0]) == Header((), {1: ("x",)})
    assert Header.of(None) == Header()


@pytest.mark.parametrize(
    ("colours", "said"),
    [
        ([f"person {i}" for i in range(40)], "column 2 'colour': .*40 different words in 40 rows"),
        ([f"n{i}" for i in range(2 * MOST)], f"more than {MOST} different words, such as 'n0'"),
        (["red", "7"] * 20, "line 2, column 2 'colour': expected a number, got 'red'"),
    ],
)
def test_what_is_no_column_of_categories_is_named(tmp_path, colours, said, one_line):
    with pytest.raises(BadValue, match=said) as error:
        load(table(tmp_path / "t.csv", colours))
    one_line(error)


def test_another_table_is_read_in_the_codes_of_the_first(tmp_path):
    header = load(table(tmp_path / "t.csv")).header
    few = load(table(tmp_path / "few.csv", ("teal", "red")), header=header)
    both = torch.cat((few.train.array, few.test.array))
    assert sorted(both[:, 1].tolist()) == [1, 2]
    assert few.header == header


@pytest.mark.parametrize(
    ("colours", "name", "said"),
    [
        (("rad", "red"), "colour", "expected the words of the training data, got 'rad'.*'red'"),
        (("red", "blue"), "color", "expected those of the training data, size, colour, got size"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(tmp_path, colours, name, said):
    header = load(table(tmp_path / "t.csv")).header
    with pytest.raises(BadValue, match=said):
        load(table(tmp_path / "few.csv", colours, name), header=header)


def test_covariates_of_two_words_are_stated_by_word(tmp_path):
    rows = [f"{160 + i % 9},{'fm'[i % 2]},{'abc'[i % 3]}" for i in range(60)]
    path = tmp_path / "t.csv"
    path.write_text("\n".join(["height,sex,kind", *rows]) + "\n")
    found = load_with(path, {"of": "sex"}, None)
    assert found.train.data.header == Header(("height", "kind"), {1: ("a", "b", "c")})
    record = found.train.record
    assert nelbo.data.covariates.values("m", record).tolist() == [1]
    with pytest.raises(BadValue, match=r"sex: f or m"):
        nelbo.data.covariates.values("x", record)
    with pytest.raises(BadValue, match="3 words, which have no order"):
        load_with(path, {"of": "kind"}, None)


@pytest.mark.parametrize("categories", [False, True])
def test_parquet(tmp_path, categories):
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    words = pa.array([word or None for word in COLOURS])
    column = words.dictionary_encode() if categories else words
    columns = {"size": [float(i) for i in range(40)], "colour": column}
    pq.write_table(pa.table(columns), tmp_path / "t.parquet", row_group_size=7)
    there, expected = load(tmp_path / "t.parquet"), load(table(tmp_path / "t.csv"))
    assert there.header == expected.header
    assert torch.equal(there.train.array.nan_to_num(-1), expected.train.array.nan_to_num(-1))


def test_two_sets_of_parquet_have_the_same_codes(tmp_path):
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    for name, words in (("train", ["b", "c"]), ("test", ["a", "c"])):
        pq.write_table(pa.table({"w": words * 10, "x": [1.0] * 20}), tmp_path / f"{name}.parquet")
    data = load(tmp_path)
    assert data.header.words == {0: ("a", "b", "c")}
    assert data.train.array[:2, 0].tolist() == [1, 2]
    assert data.test.array[:2, 0].tolist() == [0, 2]


def test_words_are_proposed_as_categories_whatever_their_frequencies(tmp_path):
    rng = np.random.default_rng(0)
    counts = rng.poisson(1.0, 400).clip(max=4)  # frequencies of a Poisson, which would win
    rows = [f"{rng.normal():.3f},{'abcde'[k]},{rng.poisson(3)}" for k in counts]
    path = tmp_path / "t.csv"
    path.write_text("\n".join(["x,word,count", *rows]) + "\n")
    found = nelbo.suggest(load(path))
    assert found.text == (
        "columns:parts=(gaussian(sigma=learned),categorical(categories=5,coding=tokens),poisson())"
    )


def test_a_word_that_only_the_test_set_has_has_a_category(tmp_path):
    data = load(table(tmp_path / "t.csv"))
    rows = data.train.array[:, 1] != 2
    found = nelbo.suggest(data.train.take(rows))
    assert "categorical(categories=3,coding=tokens)" in found.text
