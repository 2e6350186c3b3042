"""`nelbo forecast`."""

import json
from pathlib import Path

import numpy as np
import pytest

LOSSES = Path(__file__).with_name("my_code.py")


@pytest.fixture
def forecast(nelbo, tiny):
    Path("my_code.py").write_text(LOSSES.read_text())
    return lambda *words: nelbo("forecast", tiny, *words)


def test_the_question_itself(nelbo):
    code, out, err = nelbo("forecast", "mnist", "--likelihood", "gaussian:variance=392")
    assert (code, err) == (1, "")
    assert out.startswith("✕ collapses  MNIST, 60,000 examples · Gaussian")
    said = " ".join(out.split())
    assert (
        "believes in noise of variance 392, and nothing in the data varies by more than 5.12"
        in said
    )
    assert "margin 0.0131" in said


def test_json(forecast):
    code, out, _ = forecast("--json")
    found = json.loads(out, parse_constant=pytest.fail)
    assert (code, found["ok"], found["verdict"]) == (0, True, "learns")
    assert found["made"]["likelihood"] == "bernoulli"
    assert found["eigenvalues"] == sorted(found["eigenvalues"], reverse=True)


def test_beta_decides(forecast):
    assert forecast("--beta", 1000)[0] == 1


def test_a_loss_of_the_users(forecast):
    code, out, _ = forecast("--loss", "my_code.py:averaged", "--latent", 2, "--json")
    found = json.loads(out)
    assert found["made"]["call"] == "averaged(x, recon, mu, logvar)"
    variance = found["critical_variance"] / found["margin"]
    assert (code, variance) == (1, pytest.approx(32, rel=1e-3))
    assert forecast("--loss", "my_code.py:summed")[0] == 0


def test_a_page(forecast):
    assert forecast("--html", "a.html")[1].splitlines()[-1] == "The page: a.html"
    assert "<svg" in Path("a.html").read_text(encoding="utf-8")


def test_data_whose_squares_overflow_is_refused(nelbo, tiny):
    np.save("large.npy", 1e30 * np.random.default_rng(0).normal(size=(40, 4)))
    code, out, err = nelbo("forecast", "large.npy", "--likelihood", "gaussian")
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert "data: expected values whose squares are finite" in err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--likelihood", "gausian"), "Did you mean 'gaussian'?"),
        (("--likelihood", "gaussian:variance=-1"), "positive number"),
        (("--beta", "0"), "positive number"),
        (("--beta", "nan"), "positive number"),
        (("--beta", "inf"), "positive number"),
        (("--likelihood", "bernoulli", "--loss", "my_code.py:summed"), "got both"),
        (("--loss", "my_code.py:sumed"), "Did you mean 'summed'?"),
        (("--loss", "my_code.py:factory"), "If it makes the loss"),
        (("--loss", "my_code.py:breaks"), "my_code.py line 46 `wrong = "),
        (("--html", "a"), "ending in .html"),
    ],
)
def test_refused(forecast, words, says, snapshot, tmp_path):
    before = snapshot(tmp_path)
    code, out, err = forecast(*words)
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert says in err
    assert snapshot(tmp_path) == before
