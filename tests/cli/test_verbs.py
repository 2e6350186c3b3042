"""Every verb does its work on a tiny data set; help, exit codes and JSON."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nelbo.cli import main

VERBS = (
    ("train",), ("compare",), ("suggest",), ("audit",), ("forecast",), ("diagnose",), ("evaluate",),
    ("reconstruct",), ("impute",), ("sample",), ("fit-prior",),
    ("data",), ("data", "list"), ("data", "fetch"), ("data", "show"), (),
)  # fmt: skip


def strict(text):
    """Parse JSON as every other language does: no NaN, no Infinity."""

    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(text, parse_constant=refuse)


@pytest.mark.parametrize("verb", VERBS)
def test_help_has_an_example_and_fits_80_columns(nelbo, tiny, verb):
    code, out, err = nelbo(*verb, "--help")
    assert (code, err) == (0, "")
    example = " ".join(("nelbo", *verb))
    below = out.partition("Usage:")[2].partition("\n")[2]
    assert re.search(rf"^\s*(Begin with )?{example}( |$)", below, re.MULTILINE), out
    assert max(map(len, out.splitlines())) <= 80


def test_evaluate(nelbo, trained):
    code, out, err = nelbo("evaluate", trained, "--samples", 10)
    assert (code, err) == (0, "")
    for word in ("elbo", "reconstruction", "kl", "active_units", "nats per example", "mass on"):
        assert word in out.replace("\n", " ")


def test_evaluate_json_is_the_only_output(nelbo, trained):
    code, out, err = nelbo("evaluate", trained, "--samples", 5, "--examples", 1, "--json")
    assert (code, err) == (0, "")
    found = strict(out)  # one example has no standard error: null, not NaN
    assert found["elbo"]["examples"] == 1
    assert found["elbo"]["standard_error"] is None
    values = [found[name]["value"] for name in ("reconstruction", "kl", "elbo")]
    assert values[0] - values[1] == pytest.approx(values[2], rel=1e-6)


def test_evaluate_takes_other_data_and_a_seed(nelbo, trained):
    words = ("evaluate", trained, "--samples", 0, "--json")
    a, b, c = (strict(nelbo(*words, "--seed", seed)[1]) for seed in (0, 0, 1))
    assert a == b != c
    np.savez(
        "other.npz", train=np.zeros((9, 1, 8, 8), np.uint8), test=np.zeros((7, 1, 8, 8), np.uint8)
    )
    assert strict(nelbo(*words, "--data", "other.npz")[1])["elbo"]["examples"] == 7


def test_reconstruct(nelbo, trained):
    assert nelbo("reconstruct", trained, "--n", 4) == (
        0, "reconstructions.png: 4 reconstructions\n", ""
    )  # fmt: skip
    with Image.open("reconstructions.png") as picture:
        assert picture.size == (4 * 56 + 3 * 2, 2 * 56 + 2)
    nelbo("reconstruct", trained, "--n", 100, "--out", "r.npy")
    made = np.load("r.npy")
    assert made.shape == (6, 1, 8, 8)  # all test examples there are
    assert ((made >= 0) & (made <= 1)).all()


def test_sample(nelbo, trained):
    assert nelbo("sample", trained, "--n", 5, "--out", "s.png") == (0, "s.png: 5 samples\n", "")
    with Image.open("s.png") as picture:
        assert picture.mode == "RGB"
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        nelbo("sample", trained, "--n", 5, "--seed", seed, "--out", f"{name}.npy")
    a, b, c = (np.load(f"{name}.npy") for name in "abc")
    assert a.shape == (5, 1, 8, 8)
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)


def test_data_list(nelbo, tiny):
    code, out, err = nelbo("data", "list")
    assert (code, err) == (0, "")
    assert "mnist" in out
    assert "fashion-mnist" in out
    assert ".npy" in out
    assert max(map(len, out.splitlines())) <= 80


def test_data_fetch(nelbo, tiny):
    code, out, _ = nelbo("data", "fetch", tiny)
    assert code == 0
    assert out.startswith("tiny: 54 training and 6 test examples\n")


def test_data_show(nelbo, tiny):
    code, out, err = nelbo("data", "show", tiny)
    assert (code, err) == (0, "")
    assert "▀" not in out  # no picture without colours
    record = strict(nelbo("data", "show", tiny, "--json")[1])
    assert record["training_examples"] == 54
    assert record["shape"] == [1, 8, 8]
    assert (record["smallest"], record["largest"]) == (0.0, 1.0)
    assert record["checksum"] in re.sub(r"\s", "", out)  # the whole of it
    eigenvalues = np.linalg.eigvalsh(np.cov(_training(tiny).T, bias=True))[::-1]
    assert record["largest_eigenvalues"] == pytest.approx(eigenvalues[:5].tolist(), rel=1e-6)
    assert record["total_variance"] == pytest.approx(eigenvalues.sum(), rel=1e-6)


def _training(path):
    from nelbo.data import load

    return load(path).train[:].reshape(54, 64).double().numpy()


def test_a_picture_on_a_colour_terminal(nelbo, tiny, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "▀" in nelbo("data", "show", tiny)[1]


def test_version(nelbo):
    assert re.fullmatch(r"nelbo \d+\.\d+\.\d+\S*\n", nelbo("--version")[1])


@pytest.mark.parametrize(
    "words",
    [("trian",), ("train", "--epoch"), ("train", "--epochs", "x"), ("data", "shwo"), ("sample",)],
)
def test_wrong_words_are_exit_code_2(nelbo, tiny, words):
    code, out, err = nelbo(*words)
    assert (code, out) == (2, "")
    assert "help" in err


def test_exit_codes_of_main(tiny, capsys):
    for words, code in ((["data", "list"], 0), (["train"], 2)):
        with pytest.raises(SystemExit) as left:
            main(words)
        assert left.value.code == code


@pytest.mark.parametrize("words", [["--debug", "train", "mnits"], ["train", "mnits", "--debug"]])
def test_debug_shows_where_an_error_comes_from(tiny, capsys, words):
    with pytest.raises(ValueError, match="Did you mean 'mnist'"):
        main(words)
    assert "error" in capsys.readouterr().err


def test_our_own_mistakes_are_never_swallowed(nelbo, trained, monkeypatch):
    def broken(*arguments, **others):
        raise ZeroDivisionError

    monkeypatch.setattr("nelbo.cli.sample.load", broken)
    with pytest.raises(ZeroDivisionError):
        nelbo("sample", trained)


def test_the_callers_warnings_are_put_back(nelbo, tiny):
    import warnings

    before = warnings.showwarning
    nelbo("data", "list")
    assert warnings.showwarning is before


def test_brackets_in_names_are_shown_as_they_are(nelbo, trained):
    Path("[red]").symlink_to(trained)
    code, out, _ = nelbo("evaluate", "[red]", "--samples", 0)
    assert code == 0
    assert "[red], 6 test examples" in out
    _, _, err = nelbo("train", "[red].npy")
    assert "'[red].npy'" in err


def test_ctrl_c_before_any_training_is_exit_code_130(nelbo, trained, monkeypatch):
    def interrupted(*arguments, **others):
        raise KeyboardInterrupt

    monkeypatch.setattr("nelbo.cli.sample.load", interrupted)
    code, out, err = nelbo("sample", trained)
    assert (code, out, err.strip()) == (130, "", "")
