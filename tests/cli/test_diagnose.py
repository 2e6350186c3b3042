"""`nelbo diagnose`."""

import json
import warnings
from pathlib import Path

import numpy as np
import pytest

from nelbo.errors import NelboWarning

LOSSES = Path(__file__).with_name("my_code.py")


@pytest.fixture
def code(tiny):
    Path("my_code.py").write_text(LOSSES.read_text())
    return tiny


@pytest.fixture(scope="session")
def dead(tmp_path_factory, trained_once):
    """A run whose likelihood believes in so much noise that it has collapsed."""
    from nelbo.cli.app import run

    folder, data = tmp_path_factory.mktemp("dead") / "run", trained_once.parent / "tiny.npy"
    words = f"train {data} --latent 2 --hidden 6 --batch 1 --lr 0.02 --epochs 10 --out {folder}"
    noise = ["--likelihood", "gaussian:variance=1000", "--device", "cpu"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NelboWarning)  # the doctor sees it coming
        assert run([*words.split(), *noise]) == 0
    return folder


def test_a_run_that_has_collapsed(nelbo, dead, tiny):
    code, out, err = nelbo("diagnose", dead)
    assert (code, err) == (1, "")
    assert out.startswith("✕ something is wrong")
    assert out.index("The posterior has collapsed") < out.index("measure")
    assert "active units" in out
    assert "✕ collapses" in out


def test_json(nelbo, dead, tiny):
    code, out, _ = nelbo("diagnose", dead, "--json", "--examples", 5)
    found = json.loads(out, parse_constant=pytest.fail)
    assert (code, found["ok"]) == (1, False)
    assert "collapsed" in [finding["code"] for finding in found["findings"]]
    assert found["measures"]["active_units"]["value"] == 0
    assert found["measures"]["active_units"]["examples"] == 5
    assert found["forecast"]["verdict"] == "collapses"


def test_a_page(nelbo, dead, tiny):
    nelbo("diagnose", dead, "--html", "a.html")
    assert 'class="answer error"' in Path("a.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["model", "make_model"])
def test_code_of_the_users(nelbo, code, name):
    got, out, _ = nelbo("diagnose", f"my_code.py:{name}", "--data", code, "--json")
    found = json.loads(out)
    assert got == (0 if found["ok"] else 1)
    assert "active_units" in found["measures"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("nothing",), "no config.json"),
        ((".",), "no config.json"),
        (("my_code.py",), "For example my_code.py:"),
        (("my_code.py:modle",), "Did you mean 'model'?"),
        (("my_code.py:number",), "a nelbo.adapt(...) or a nelbo.VAE, got 3"),
        (("my_code.py:Loss",), "a nelbo.adapt(...) or a nelbo.VAE"),
        (("my_code.py:make_with",), "a function without arguments"),
        (("my_code.py:make_nothing",), "got None"),
        (("my_code.py:misshapen", "--data", "tiny.npy"), "line 68 `return encoder[1](x)"),
        (("my_code.py:model", "--data", "wide.npy"), "line 64 `return encoder(x)"),
        (("RUN", "--data", "wide.npy"), "[1, 8, 8]"),
        (("RUN", "--data", "mnits"), "Did you mean 'mnist'?"),
        (("RUN", "--html", "no/a.html"), "Make it first"),
    ],
)
def test_refused(nelbo, code, trained, snapshot, tmp_path, words, says):
    np.save("wide.npy", np.zeros((40, 1, 8, 9), dtype=np.uint8))
    before = snapshot(tmp_path)
    got, out, err = nelbo("diagnose", *(trained if word == "RUN" else word for word in words))
    assert (got, out) == (2, "")
    assert len(err.splitlines()) == 1, err
    assert says in err
    assert snapshot(tmp_path) == before
