"""Tables that go in and come out: nothing overwritten or rewritten, counts and words as meant."""

import json
from pathlib import Path

import numpy as np
import pytest

ROWS = "123456701,44.0,red\n,1e0, blue \n7.50,NA,\n,?,N/A\n"


@pytest.fixture
def table(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    rows = [f"{rng.normal():.3f},{rng.normal():.3f},{'red,blue'.split(',')[i % 2]}"
            for i in range(60)]  # fmt: skip
    Path("t.csv").write_text("\n".join(["a,b,colour", *rows]) + "\n")
    Path("gaps.csv").write_text("a,b,colour\n" + ROWS)
    return "t.csv"


@pytest.fixture
def run(nelbo, table, SMALL):
    parts = (
        "gaussian(sigma=learned),gaussian(sigma=learned),categorical(categories=2,coding=tokens)"
    )
    words = ("--likelihood", f"columns:parts=({parts})", "--missing", "--epochs", 1)
    code, _, err = nelbo("train", table, *words, "--out", "run", *SMALL)
    assert code == 0, err
    return "run"


@pytest.mark.parametrize("out", ["gaps.csv", "./gaps.csv", "link.csv"])
def test_impute_never_overwrites_its_source(nelbo, run, out):
    Path("link.csv").symlink_to("gaps.csv")
    code, _, err = nelbo("impute", run, "gaps.csv", "--out", out)
    assert code == 2
    assert f"out: expected another file than the data, got '{Path(out)}'" in err
    assert "Name it gaps-filled.csv." in err
    assert Path("gaps.csv").read_text() == "a,b,colour\n" + ROWS


def test_what_was_observed_stays_as_it_stands(nelbo, run):
    code, out, err = nelbo("impute", run, "gaps.csv")
    assert (code, out) == (0, "filled.csv: 6 entries filled in\n"), err
    names, *rows = (line.split(",") for line in Path("filled.csv").read_text().splitlines())
    assert names == ["a", "b", "colour"]
    for old, new in zip(ROWS.splitlines(), rows, strict=True):
        for column, (there, cell) in enumerate(zip(old.split(","), new, strict=True)):
            if there in ("", "NA", "?", "N/A"):
                assert cell in ("red", "blue") if column == 2 else np.isfinite(float(cell))
            else:
                assert cell == there


def test_gaps_of_a_csv_are_filled_in_a_npy_too(nelbo, run):
    assert nelbo("impute", run, "gaps.csv", "--out", "f.npy")[0] == 0
    found = np.load("f.npy")
    assert not np.isnan(found).any()
    np.testing.assert_array_equal(found[0], np.array([123456701, 44, 1], np.float32))


@pytest.mark.parametrize(
    "likelihood", ["gaussian", "laplace", "columns:parts=(gaussian,),sizes=(3,)"]
)
def test_words_are_refused_by_a_density(nelbo, table, SMALL, likelihood):
    code, _, err = nelbo("train", table, "--likelihood", likelihood, "--out", "no", *SMALL)
    assert code == 2
    assert "column 3 'colour': expected numbers, for a likelihood that is a density" in err
    assert "got words, such as 'blue', 'red'. Let the data decide: --likelihood auto." in err
    assert not Path("no").exists()


def test_words_beside_a_density_are_taken(nelbo, table, SMALL):
    words = ("--likelihood", "gaussian", "--covariates", "colour", "--epochs", 1)
    code, _, err = nelbo("train", table, *words, "--out", "beside", *SMALL)
    assert code == 0, err


@pytest.mark.parametrize(
    ("likelihood", "stated", "transform"),
    [
        ("negative_binomial", (), "raw"),
        ("poisson", (), "raw"),
        ("beta_binomial:total=20", (), "raw"),
        ("columns:parts=(poisson,),sizes=(3,)", (), "raw"),
        ("columns:parts=(poisson,gaussian),sizes=(2,1)", (), "scale"),
        ("gaussian", (), "scale"),
        ("poisson", ("--transform", "scale"), "scale"),
    ],
)
@pytest.mark.filterwarnings("ignore::nelbo.errors.NelboWarning")
def test_bytes_are_counts_where_the_likelihood_says_so(
    nelbo, tmp_path, monkeypatch, SMALL, likelihood, stated, transform
):
    monkeypatch.chdir(tmp_path)
    counts = np.random.default_rng(0).binomial(20, 0.2, (60, 3)).astype(np.uint8)
    np.save("cells_u8.npy", counts)
    words = ("--likelihood", likelihood, "--epochs", 1, "--out", "run", *stated, *SMALL)
    code, _, err = nelbo("train", "cells_u8.npy", *words)
    assert code == 0, err
    assert json.loads(Path("run/config.json").read_text())["data"]["transform"] == transform
    code, _, err = nelbo("train", "--resume", "run", "--epochs", 2)
    assert code == 0, err
    assert json.loads(Path("run/config.json").read_text())["data"]["transform"] == transform


def test_a_forecast_of_bytes_is_that_of_the_counts(nelbo, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    counts = rng.poisson(np.exp(1 + rng.normal(size=(80, 1)) * [1.0, 0.8, 0.5]))
    np.save("bytes.npy", counts.astype(np.uint8))
    np.save("floats.npy", counts.astype(np.float32))
    found = []
    for data in ("bytes.npy", "floats.npy"):
        code, out, err = nelbo("forecast", data, "--likelihood", "poisson", "--json")
        assert code == 0, err
        found.append(json.loads(out)["eigenvalues"])
    assert found[0] == found[1]
