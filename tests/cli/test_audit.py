"""`nelbo audit`: the user's loss from the user's file, and every way in which that goes wrong."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

LOSSES = Path(__file__).with_name("my_code.py")


@pytest.fixture
def code(tiny):
    """A copy of the losses in the current folder."""
    Path("my_code.py").write_text(LOSSES.read_text())
    return tiny


@pytest.fixture
def audit(nelbo, code):
    return lambda name, *words: nelbo(
        "audit", f"my_code.py:{name}", "--data", code, "--latent", 2, *words
    )


@pytest.fixture
def refused(nelbo, code, snapshot, tmp_path):
    """Return a function that asserts one line of error, code 2, nothing written or printed."""

    def check(place, *words):
        before = snapshot(tmp_path)
        got, out, err = nelbo("audit", place, "--data", code, *words)
        assert (got, out) == (2, "")
        assert len(err.splitlines()) == 1, err
        assert err.startswith("error ")
        assert ": expected " in err
        assert ", got " in err
        assert snapshot(tmp_path) == before
        return err

    return check


def test_the_averaged_loss_is_found_out(audit):
    code, out, err = audit("averaged")
    assert (code, err) == (1, "")
    lines = out.splitlines()
    assert lines[0].startswith("✕ would not fit a VAE")
    assert "my_code.py:averaged · tiny, 54 examples" in " ".join(lines[:3])
    assert "pixels_averaged" in out
    assert "mean" in out
    assert "✕ collapses" in out


def test_json_is_the_only_output(audit):
    code, out, err = audit("averaged", "--json")
    assert (code, err) == (1, "")
    found = json.loads(out, parse_constant=pytest.fail)
    assert found["command"] == "nelbo audit"
    assert found["ok"] is False
    assert found["findings"][0]["code"] == "pixels_averaged"
    assert found["sigma2"] == pytest.approx(32)
    assert found["reconstruction"]["features"] == "mean"
    assert found["made"]["call"] == "averaged(x, recon, mu, logvar)"


def test_a_right_loss_is_exit_code_0(audit):
    code, out, _ = audit("summed", "--json")
    found = json.loads(out)
    assert (code, found["ok"], found["sigma2"]) == (0, True, pytest.approx(0.5))


def test_the_names_of_the_arguments_tell_their_order(audit):
    code, out, _ = audit("swapped", "--output", "prob", "--json")
    found = json.loads(out)
    assert (code, found["reconstruction"]["family"]) == (0, "bce_prob")
    assert found["beta"] == pytest.approx(1, rel=1e-3)
    assert found["made"]["call"] == "swapped(recon_x, x, mu, logvar)"


def test_examples_are_flattened_where_the_loss_asks_for_it(audit):
    code, out, _ = audit("flat_only", "--json")
    found = json.loads(out)
    assert (code, found["sigma2"]) == (0, pytest.approx(0.5))
    assert found["made"]["examples"] == "[1, 8, 8], flattened to [64]"


def test_an_object_and_a_module_of_a_package(audit, nelbo, code):
    assert audit("loss_object")[0] == 0
    assert nelbo("audit", "my_code:summed", "--data", code)[0] == 0


def test_what_the_loss_prints_never_mixes_with_json(audit):
    code, out, err = audit("noisy", "--json")
    assert json.loads(out)["ok"] is True
    assert "a line on standard output" in err
    assert code == 0


def test_nothing_stays_behind(audit, tmp_path):
    Path("helper.py").write_text("weight = 1.0\n")
    Path("my_code.py").write_text(
        "import sys, helper\nassert len(sys.argv) == 1\n" + LOSSES.read_text()
    )
    before = (list(sys.path), list(sys.argv), sys.dont_write_bytecode)
    assert audit("summed")[0] == 0
    assert (list(sys.path), list(sys.argv), sys.dont_write_bytecode) == before
    assert {"my_code", "helper"} & set(sys.modules) == set()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["helper.py", "my_code.py", "tiny.npy"]


def test_a_file_that_is_called_like_a_library_replaces_nothing(nelbo, code):
    Path("torch.py").write_text("def f(x, recon, mu, logvar):\n    return (x - recon).sum()\n")
    import torch

    assert nelbo("audit", "torch.py:f", "--data", code)[0] == 1
    assert sys.modules["torch"] is torch


def test_the_code_runs_without_our_own_settings(audit):
    """Such as annotations that stay text, which this package switches on for itself."""
    plain = "def f(x: int): ...\nassert f.__annotations__ == {'x': int}\n"
    Path("my_code.py").write_text(plain + LOSSES.read_text())
    assert audit("summed")[0] == 0


def test_a_script_that_reads_its_options_gets_none_of_ours(audit):
    parsing = "import argparse\nargparse.ArgumentParser().parse_args()\n"
    Path("my_code.py").write_text(parsing + LOSSES.read_text())
    assert audit("summed")[0] == 0


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("", "an empty file"),
        ("\n  \n", "an empty file"),
        ("def f(:\n", "my_code.py line 1 `def f(:`: expected Python code, got SyntaxError"),
        ("x = 1\ny = 1 / 0\n", "my_code.py line 2 `y = 1 / 0`: expected code that runs, got Zero"),
        ("import torhc\n", "got ModuleNotFoundError: No module named 'torhc'. Install it"),
        ("import sys\nsys.exit(3)\n", "got an exit"),
        ("open('no.txt')\n", "got FileNotFoundError"),
        ("x = '\x00'\n", "null bytes"),
        ("raise KeyError\n", "got KeyError"),
        ("import helper\n", "helper.py line 2 `1 / 0`"),
        ("f = 1\n", "expected a function, got 1."),
    ],
)
def test_a_file_that_does_not_run(refused, source, says):
    Path("helper.py").write_text("\n1 / 0\n")
    Path("my_code.py").write_text(source)
    assert says in refused("my_code.py:f")


def test_a_file_that_is_no_text(refused):
    Path("my_code.py").write_bytes(b"\xff\xfe\x00x = 1")
    assert "my_code.py" in refused("my_code.py:f")


@pytest.mark.parametrize(
    ("place", "says"),
    [
        ("my_cod.py:averaged", "Did you mean 'my_code.py'?"),
        ("my_code.py", "For example my_code.py:make_nothing."),
        ("my_code.py:", "For example my_code.py:make_nothing."),
        ("my_code.py:a b", "FILE.py:NAME"),
        ("averaged", "FILE.py:NAME"),
        ("my_code.py:averagd", "Did you mean 'averaged'?"),
        ("my_code.py:Loss.backwards", "got 'Loss.backwards'"),
        ("my_code.py:number", "expected a function, got 3"),
        ("my_code.py:Loss", "expected a function, got a class"),
        ("my_code.py:factory", "got factory(beta). If it makes the loss, add a line"),
        ("my_code.py:three", "got three(x, recon, mu)"),
        ("my_code.py:breaks", "my_code.py line 46 `wrong = recon.reshape(-1, 7)`"),
        ("no/my_code.py:averaged", "which is not there"),
        ("tiny.npy:averaged", "a .py file, got 'tiny.npy'"),
        (".:averaged", "the folder '.'"),
        ("no_such_module:averaged", "neither in this folder nor installed"),
        ("my_code.py:averaged --data mnits", "Did you mean 'mnist'?"),
        ("my_code.py:averaged --output probs", "Did you mean 'prob'?"),
        ("my_code.py:averaged --html no/a.html", "Make it first"),
        ("my_code.py:averaged --html my_code.py", "ending in .html"),
        ("my_code.py:averaged --html .", "ending in .html"),
        ("my_code.py:averaged --lang de", "lang: expected a language"),
    ],
)
def test_refused(refused, place, says):
    assert says in refused(*place.rsplit(" ", 2) if " --" in place else [place])


@pytest.mark.parametrize("seed", [-1, 2**63])
def test_a_seed_out_of_range(nelbo, code, seed):
    got, out, err = nelbo("audit", "my_code.py:averaged", "--data", code, "--seed", seed)
    assert (got, out) == (2, "")
    assert "--seed" in err


def test_too_little_memory_is_one_line(nelbo, code):
    got, out, err = nelbo("audit", "my_code.py:averaged", "--data", code, "--latent", 10**12)
    assert (got, out, len(err.splitlines())) == (1, "", 1)
    assert "not enough memory" in err


def test_data_that_is_not_finite(refused):
    np.save("nan.npy", np.full((40, 8), np.nan, dtype=np.float32))
    assert "finite" in refused("my_code.py:averaged", "--data", "nan.npy")


def test_a_page(audit):
    code, out, _ = audit("averaged", "--html", "a.html", "--lang", "zh")
    assert code == 1
    assert out.splitlines()[-1] == "页面：a.html"
    assert "不能训练 VAE" in Path("a.html").read_text(encoding="utf-8")


def test_a_page_beside_json_is_not_announced(audit):
    _, out, _ = audit("averaged", "--html", "a.html", "--json")
    json.loads(out)
    assert Path("a.html").exists()


SLOW = """
import sys, time
def slow(x, recon, mu, logvar):
    print("begun", file=sys.stderr, flush=True)
    time.sleep(60)
"""


def test_ctrl_c_leaves_nothing_and_says_nothing(code, tmp_path):
    Path("my_code.py").write_text(SLOW)
    command = [Path(sys.executable).with_name("nelbo"), "audit", "my_code.py:slow"]
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # heard in backgrounds too
    words = [*command, "--data", code, "--html", "a.html"]
    process = subprocess.Popen(words, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        next(line for line in process.stderr if line == "begun\n")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
        signal.signal(signal.SIGINT, before)
    assert (process.returncode, out) == (130, "")
    assert "Traceback" not in err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["my_code.py", "tiny.npy"]
