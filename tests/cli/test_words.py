"""A newcomer's table, with words and gaps, from the first look to the samples."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

COLOURS = ("amber", "blue", "green")
NAMES = ["size", "visits", "kind", "colour"]


@pytest.fixture
def table(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    z = rng.normal(size=200)
    with open("t.csv", "w") as file:
        print(*NAMES, sep=",", file=file)
        for value in z:
            colour = COLOURS[int(value > -0.5) + int(value > 0.5)] if rng.random() > 0.1 else ""
            kind = (3 * int(value > 0), 5)[rng.random() < 0.2]
            print(f"{50 + 9 * value:.1f}", rng.poisson(np.exp(value)), kind, colour,
                  sep=",", file=file)  # fmt: skip
    return "t.csv"


@pytest.fixture
def run(nelbo, table, SMALL):
    likelihood = (
        "columns:parts=(gaussian(sigma=learned),poisson,categorical(categories=6,coding=tokens),"
        "categorical(categories=3,coding=tokens))"
    )
    code, out, err = nelbo(
        "train", table, "--likelihood", likelihood, "--transform", "standardise:columns=(0,)",
        "--missing", "--epochs", 1, "--out", "run", *SMALL,
    )  # fmt: skip
    assert code == 0, err
    assert out == "run: written. Next: nelbo evaluate run, nelbo sample run\n"
    assert " examples/s" in err
    return "run"


def read(path):
    with open(path, newline="") as file:
        return list(csv.reader(file))


@pytest.mark.parametrize(
    ("verb", "stem"), [("sample", "samples"), ("reconstruct", "reconstructions")]
)
def test_examples_are_written_as_the_table_was_read(nelbo, run, verb, stem):
    said = f"{stem}.csv: 5 {stem}: means, and of categories the most probable one\n"
    assert nelbo(verb, run, "--n", 5) == (0, said, "")
    names, *rows = read(f"{stem}.csv")
    assert (names, len(rows)) == (NAMES, 5)
    for size, visits, kind, colour in rows:
        assert 20 < float(size) < 80
        assert float(visits) > 0
        assert kind in "012345"
        assert colour in COLOURS


def test_a_npy_holds_the_same_in_codes(nelbo, run):
    assert nelbo("sample", run, "--n", 5)[0] == 0
    assert nelbo("sample", run, "--n", 5, "--out", "s.npy")[0] == 0
    codes = np.load("s.npy")
    assert [COLOURS[int(code)] for code in codes[:, 3]] == [
        row[3] for row in read("samples.csv")[1:]
    ]
    assert set(codes[:, 2]) <= set(range(6))


def test_numbers_are_the_means_of_the_model(nelbo, run):
    from nelbo.cli.options import run_transform
    from nelbo.train import load

    assert nelbo("sample", run, "--n", 5, "--seed", 3, "--out", "s.npy")[0] == 0
    expected = run_transform(Path(run)).undone(load(run).sample(5, seed=3))[:, :2]
    np.testing.assert_array_equal(np.load("s.npy")[:, :2], expected)


def test_columns_without_names_are_a_npy(nelbo, tmp_path, monkeypatch, SMALL):
    monkeypatch.chdir(tmp_path)
    np.save("bits.npy", np.random.default_rng(0).integers(0, 2, (60, 4)).astype(np.float32))
    assert nelbo("train", "bits.npy", "--epochs", 1, "--out", "run", *SMALL)[0] == 0
    assert nelbo("sample", "run", "--n", 3)[1].startswith("samples.npy: 3 samples")
    assert nelbo("reconstruct", "run", "--n", 3)[1].startswith("reconstructions.npy: 3 ")
    code, _, err = nelbo("sample", "run", "--out", "s.png")
    assert code == 2
    assert "expected a .csv or .npy, since examples of shape [4] are no images" in err


def test_gaps_are_filled_with_words(nelbo, run, table):
    assert nelbo("impute", run, table)[0] == 0
    before, after = read(table), read("filled.csv")
    assert after[0] == NAMES
    for old, new in zip(before[1:], after[1:], strict=True):
        assert new[3] in COLOURS
        assert old[3] in ("", new[3])


def test_few_rows_are_read_in_the_words_of_the_run(nelbo, run):
    with open("few.csv", "w") as file:
        file.write("size,visits,kind,colour\n50,1,5,green\n51,1,0,\n")
    assert nelbo("impute", run, "few.csv", "--out", "f.csv")[0] == 0
    assert read("f.csv")[1] == ["50", "1", "5", "green"]
    assert nelbo("evaluate", run, "--data", "few.csv", "--samples", 0)[0] == 0
    with open("few.csv", "a") as file:
        file.write("50,1,5,grean\n")
    for words in (("impute", run, "few.csv"), ("evaluate", run, "--data", "few.csv")):
        code, _, err = nelbo(*words)
        assert code == 2
        assert "got 'grean'. Did you mean 'green'?" in err


def test_a_fitted_prior_keeps_names_and_words(nelbo, run):
    with open("run/config.json") as file:
        header = json.load(file)["data"]["header"]
    assert header == {"names": NAMES, "words": {"3": list(COLOURS)}}
    assert nelbo("fit-prior", run, "--epochs", 1, "--out", "fitted")[0] == 0
    assert nelbo("sample", "fitted", "--n", 2)[0] == 0
    assert read("samples.csv")[0] == NAMES


def test_a_number_that_was_expanded_has_a_digest(nelbo, table, SMALL):
    words = ("--likelihood", "negative_binomial", "--out", "counts", "--epochs", 1, *SMALL)
    np.save("counts.npy", np.random.default_rng(0).poisson(3, (60, 1)).astype(np.float32))
    assert nelbo("train", "counts.npy", *words)[0] == 0
    assert nelbo("fit-prior", "counts", "--epochs", 1, "--out", "fitted")[0] == 0


def test_data_show_tells_columns_words_and_gaps(nelbo, table):
    code, out, _ = nelbo("data", "show", table, "--json")
    found = json.loads(out)
    assert code == 0
    assert found["columns"] == NAMES
    assert found["words"] == {"colour": list(COLOURS)}
    assert found["missing_values"] > 0
    code, out, _ = nelbo("data", "show", table)
    assert code == 0
    assert "colour: amber, blue, green" in out
