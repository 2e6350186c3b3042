"""`nelbo suggest`, and `nelbo train --likelihood auto`."""

import json
import shlex
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture
def counts(tiny):
    rng = np.random.default_rng(0)
    mean = np.exp(rng.normal(size=(300, 2)) @ rng.normal(size=(2, 6)) / 2 + 1)
    np.savetxt("counts.csv", rng.poisson(mean), fmt="%d", delimiter=",")
    return "counts.csv"


def test_the_line_that_it_prints_can_be_run(nelbo, counts, SMALL):
    code, out, err = nelbo("suggest", counts)
    assert (code, err) == (0, "")
    assert out.startswith("counts · 270 examples of 6 features: counts")
    line = out[out.index("Next: ") + 6 :]
    words = shlex.split(line)
    assert words[:3] == ["nelbo", "train", counts]
    end = ("--hidden", 6, "--batch", 20, "--device", "cpu", "--epochs", 1, "--out", "run")
    assert nelbo(*words[1:], *end)[0] == 0


def test_json(nelbo, counts):
    code, out, _ = nelbo("suggest", counts, "--json")
    found = json.loads(out, parse_constant=pytest.fail)
    assert (code, found["transform"]) == (0, "scale")
    assert [reason["about"] for reason in found["reasons"]] == ["likelihood", "transform", "latent"]
    assert found["likelihood"] in ("negative_binomial", "poisson")
    assert found["forecast"]["margin"] > 1
    assert found["made"]["checksum"]


def test_80_columns(nelbo, counts, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    screen = nelbo("suggest", counts)[1].partition("Next: ")[0]
    assert max(map(len, screen.splitlines())) <= 80


def test_bad_data_in_one_line(nelbo, tiny):
    Path("words.csv").write_text("a,b\nred,1\nblue,2\n")
    np.save("same.npy", np.ones((20, 3)))
    Path("empty.csv").write_text("")
    for data in ("words.csv", "same.npy", "empty.csv", "nowhere.csv"):
        code, out, err = nelbo("suggest", data)
        assert (code, out, len(err.splitlines())) == (2, "", 1), (data, err)


def test_auto_is_recorded_as_what_was_chosen(nelbo, counts):
    words = ("--hidden", 6, "--batch", 20, "--device", "cpu", "--epochs", 1)
    code, out, err = nelbo("train", counts, "--likelihood", "auto", *words)
    assert code == 0, err
    said = next(line for line in err.splitlines() if line.startswith("likelihood "))
    name = said.split()[1].rstrip(",")
    run = Path("runs") / f"counts-{name}"
    model = json.loads((run / "config.json").read_text())["model"]
    assert model["likelihood"]["name"] == name in ("negative_binomial", "poisson")
    assert f"latent {model['latent']}:" in said
    code, _, err = nelbo("train", "--resume", run, "--likelihood", "auto", "--epochs", 2)
    assert code == 0, err
    assert json.loads((run / "config.json").read_text())["model"] == model


def test_what_is_stated_stays(nelbo, counts):
    words = ("--hidden", 6, "--batch", 20, "--device", "cpu", "--epochs", 1, "--out", "run")
    code, _, err = nelbo("train", counts, "--likelihood", "auto", "--latent", 3, *words)
    assert code == 0, err
    assert json.loads(Path("run/config.json").read_text())["model"]["latent"] == 3
