"""`nelbo compare` on a tiny file, as a user types it."""

import json
import signal
import subprocess
import sys

import numpy as np
import pytest

from nelbo.cli.app import INTERRUPTED, WRONG_USE, run

FILES = {"compare.html", "compare.json", "compare.png", "runs"}
QUICK = ("--latent", "2", "--hidden", "8", "--epochs", "2")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("mine.npy", np.random.default_rng(0).random((200, 4)).astype(np.float32))


@pytest.fixture
def one_line(capfd):
    """Run a command that fails, and return the one line that it says."""

    def fail(*words):
        assert run(["compare", *words]) == WRONG_USE
        said = capfd.readouterr()
        assert said.out == ""
        assert said.err.startswith("error ")
        assert said.err.count("\n") == 1
        return said.err

    return fail


def test_the_page_the_picture_and_the_numbers(tmp_path, capfd):
    assert run(["compare", "mine.npy", *QUICK, "--out", "out"]) == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == FILES
    assert (tmp_path / "out" / "compare.png").read_bytes().startswith(b"\x89PNG")
    assert 'lang="en"' in (tmp_path / "out" / "compare.html").read_text(encoding="utf-8")
    record = json.loads((tmp_path / "out" / "compare.json").read_text(encoding="utf-8"))
    assert len(record["rows"]) == 5
    assert (record["train_examples"], record["test_examples"]) == (180, 20)
    assert (record["made"]["epochs"], record["made"]["latent"]) == (2, 2)
    runs = {path.name for path in (tmp_path / "out" / "runs").iterdir()}
    assert runs == {row["key"] for row in record["rows"]}
    said = capfd.readouterr()
    assert "out/compare.html" in said.out
    for row in record["rows"]:
        assert row["name"] in said.err


def test_json_on_standard_output_is_that_of_the_file(tmp_path, capfd):
    assert run(["compare", "mine.npy", *QUICK, "--json"]) == 0
    printed = json.loads(capfd.readouterr().out)
    assert printed == json.loads((tmp_path / "compare" / "compare.json").read_text("utf-8"))


def test_numbers_that_json_has_not_are_null(tmp_path):
    """One test example has no standard error: the file is JSON all the same."""
    np.save("two.npy", np.random.default_rng(0).random((2, 4)).astype(np.float32))
    assert run(["compare", "two.npy", *QUICK]) == 0
    text = (tmp_path / "compare" / "compare.json").read_text("utf-8")
    record = json.loads(text, parse_constant=pytest.fail)
    assert record["rows"][0]["estimates"]["elbo"]["standard_error"] is None


def test_in_chinese(tmp_path):
    assert run(["compare", "mine.npy", *QUICK, "--lang", "zh"]) == 0
    page = (tmp_path / "compare" / "compare.html").read_text(encoding="utf-8")
    assert 'lang="zh' in page
    assert sum("\u4e00" <= character <= "\u9fff" for character in page) > 200


def test_data_outside_the_interval(tmp_path):
    np.save("wide.npy", np.random.default_rng(0).normal(size=(200, 4)).astype(np.float32))
    assert run(["compare", "wide.npy", *QUICK]) == 0
    record = json.loads((tmp_path / "compare" / "compare.json").read_text("utf-8"))
    assert [refused["likelihood"] for refused in record["refused"]] == [
        "bernoulli",
        "continuous_bernoulli",
    ]


def test_an_unknown_language_is_refused_with_the_nearest(one_line):
    assert "Did you mean 'zh'? Known: en, zh." in one_line("mine.npy", "--lang", "zhh")


@pytest.mark.parametrize("resume", [[], ["--resume"]])
def test_a_folder_with_other_things_is_refused_before_any_work(tmp_path, one_line, resume):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("all I have")
    line = one_line("mnist", "--out", "out", *resume)
    assert "out: expected a new or empty folder, got out, which holds other files." in line
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["thesis.tex"]


def test_a_finished_comparison_is_not_overwritten(tmp_path, one_line, capfd):
    assert run(["compare", "mine.npy", *QUICK]) == 0
    before = (tmp_path / "compare" / "compare.json").read_bytes()
    capfd.readouterr()
    line = one_line("mine.npy", *QUICK)
    assert "which holds another comparison" in line
    assert "--resume" in line
    assert (tmp_path / "compare" / "compare.json").read_bytes() == before


def test_a_file_is_no_folder(tmp_path, one_line):
    assert "got mine.npy, which is a file." in one_line("mine.npy", "--out", "mine.npy")


def test_an_empty_folder_will_do(tmp_path):
    (tmp_path / "out").mkdir()
    assert run(["compare", "mine.npy", *QUICK, "--out", "out"]) == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("absent.npy",), "absent.npy"),
        (("mnits",), "Did you mean 'mnist'?"),
        (("broken.npy",), "broken.npy"),
        (("holes.npy",), "expected finite values, got NaN"),
        (("mine.npy", "--epochs", "0"), "epochs: expected an integer of at least 1"),
        (("mine.npy", "--batch", "0"), "batch: expected an integer of at least 1"),
        (("mine.npy", "--lr", "-1"), "lr: expected a positive number"),
        (("mine.npy", "--latent", "0"), "latent: expected an integer of at least 1"),
        (("mine.npy", "--hidden", "a,b"), "hidden: expected sizes"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_and_nothing_written(tmp_path, one_line, words, said):
    (tmp_path / "broken.npy").write_bytes(b"not numpy at all")
    holes = np.zeros((20, 4), np.float32)
    holes[1, 2] = np.nan
    np.save("holes.npy", holes)
    assert said in one_line(*words)
    assert not (tmp_path / "compare").exists()


def test_after_ctrl_c_it_goes_on_to_the_page(tmp_path, capfd):
    """Stopped in the first loss by a real signal; `--epochs` may change, and ends it soon."""
    words = ["compare", "mine.npy", *QUICK[:-1], "1000000", "--out", "my runs"]
    program = "import torch; torch.set_num_threads(1); from nelbo.cli import main; main()"
    with subprocess.Popen(
        [sys.executable, "-c", program, *words], stderr=subprocess.PIPE, text=True
    ) as process:
        for line in process.stderr:
            if line.startswith("epoch"):
                process.send_signal(signal.SIGINT)
                break
        rest = process.stderr.read()
    assert process.returncode == INTERRUPTED
    assert "Traceback" not in rest
    command = "nelbo compare mine.npy --latent 2 --hidden 8 --epochs 1000000 --out 'my runs'"
    assert f"Go on with: {command} --resume" in rest
    assert {path.name for path in (tmp_path / "my runs").iterdir()} == {"runs"}
    assert run(["compare", "mine.npy", *QUICK, "--out", "my runs", "--resume"]) == 0
    assert {path.name for path in (tmp_path / "my runs").iterdir()} == FILES
    record = json.loads((tmp_path / "my runs" / "compare.json").read_text("utf-8"))
    assert [len(row["history"]) for row in record["rows"]][1:] == [2, 2, 2, 2]


def test_a_run_of_a_comparison_can_be_evaluated_from_another_folder(tmp_path, monkeypatch, capsys):
    """On the user's own data too: the run knows where it lies."""
    draw = np.random.default_rng(0)
    np.save(tmp_path / "mine.npy", draw.integers(0, 256, (60, 4, 4)).astype(np.uint8))
    monkeypatch.chdir(tmp_path)
    assert run(["compare", "mine.npy", "--epochs", "1", "--hidden", "4", "--latent", "2"]) == 0
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert run(["evaluate", "../compare/runs/learned_sigma", "--samples", "2"]) == 0
    assert "importance_bound" in capsys.readouterr().out
