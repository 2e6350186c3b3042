"""What goes wrong first on the command line, and what is then said to do."""

import shutil

import numpy as np
import pytest

TABLE = "age,visits\n" + "".join(f"{20 + i % 50},{i % 4}\n" for i in range(60))


@pytest.fixture
def refused(nelbo, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def check(*words):
        code, out, err = nelbo(*words)
        assert (code, out) == (2, "")
        assert len(err.splitlines()) == 1, err
        return err

    return check


def _write(name, content):
    with open(name, "wb") as file:
        file.write(content)
    return name


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("t.csv", b"", "at least one row of numbers, got an empty file. Save the table in it"),
        ("t.csv", b"a,b\n", "at least one row of numbers, got a header alone. Save the table"),
        ("t.csv", b"a;b\n1;2\n", "Separate its columns by commas, not by ';'."),
        ("t.csv", b"a,b\n1,2\n\xe9,3\n", "expected text in UTF-8, got byte 8 that is not. Save it"),
        ("t.tsv", b"a\tb\n1\t2\n", "got '.tsv'. Save the table as a .csv."),
        ("table", b"a,b\n1,2\n", "got a name without an ending"),
        ("t.npy", TABLE.encode(), "got what begins as a .csv does. Rename it to t.csv."),
        ("t.parquet", TABLE.encode(), "got what begins as a .csv does. Rename it to t.csv."),
        ("t.csv", b"\x93NUMPY\x01\x00", "got what begins as a .npy does. Rename it to t.npy."),
        ("t.npy", b"PAR1\x00\x00", "got what begins as a .parquet does. Rename it to t.parquet."),
    ],
)
def test_a_file_that_is_not_what_it_should_be(refused, name, content, said):
    assert said in refused("train", _write(name, content))


def test_a_run_in_the_place_of_data(refused, trained_once):
    shutil.copytree(trained_once, "my run")
    for verb, meant in (
        ("forecast", "tiny.npy --likelihood bernoulli."),
        ("suggest", "tiny.npy."),
        ("data show", "tiny.npy."),
    ):
        err = refused(*verb.split(), "my run")
        assert "got my run, which is the folder of a run" in err
        assert f"For the data it was trained on: nelbo {verb} " in err
        assert meant in err
        assert "nelbo diagnose 'my run'" in err
    assert "To go on with it: nelbo train --resume 'my run'." in refused("train", "my run")


def test_a_table_for_the_default_likelihood(refused):
    _write("t.csv", TABLE.encode())
    for verb in ("train", "forecast"):
        assert "Let the data decide: --likelihood auto." in refused(verb, "t.csv")
        assert "--likelihood auto" not in refused(verb, "t.csv", "--likelihood", "bernoulli")


def test_a_forecast_of_data_with_gaps(refused, nelbo):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 1)) + 0.3 * rng.normal(size=(60, 3))
    x[::7, 1] = np.nan
    np.savetxt("t.csv", x, delimiter=",")
    err = refused("forecast", "t.csv", "--likelihood", "gaussian")
    assert "Use --likelihood auto, which fills them in" in err
    assert "x[" not in err
    assert "Leave incomplete rows out of the file." in refused("compare", "t.csv")
    code, out, err = nelbo("forecast", "t.csv", "--likelihood", "auto")
    assert (code, err) == (0, "")
    assert "learns" in out
    assert "beta = 1, got beta = 2" in refused(
        "forecast", "t.csv", "--likelihood", "auto", "--beta", 2
    )


def test_code_vectors_and_latents(refused, trained):
    err = refused("train", "tiny.npy", "--posterior", "vq:dim=8")
    assert "got 20. Try 24 (--latent 24)." in err
    assert "prior Standard" in refused("train", "tiny.npy", "--posterior", "vq")  # 20 do


def test_ctrl_c_while_a_prior_is_fitted(nelbo, trained, monkeypatch):
    from nelbo.train.prior_loop import PriorLoop

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(PriorLoop, "_epoch", interrupted)
    code, out, err = nelbo("fit-prior", trained, "--out", "new")
    assert (code, out) == (130, "")
    assert "Interrupted: nothing was written" in err
    assert "begin again by the same command" in err
