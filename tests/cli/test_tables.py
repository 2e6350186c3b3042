"""Tables from end to end: gaps, covariates, columns of other sizes, and what is written back."""

import json

import numpy as np
import pytest

HEADER = "income,delta,sex,age"


@pytest.fixture
def table(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    n = 120
    z = rng.normal(size=n)
    columns = [
        1e6 * (3 + z + 0.3 * rng.normal(size=n)), 0.1 * (z + 0.3 * rng.normal(size=n)),
        rng.integers(0, 2, n), rng.integers(20, 80, n),
    ]  # fmt: skip
    x = np.stack(columns, 1)
    gaps = rng.random(x.shape) < 0.2
    gaps[:, 2:] = False
    rows = [
        ",".join("" if gap else f"{v:.7g}" for v, gap in zip(*row, strict=True))
        for row in zip(x, gaps, strict=True)
    ]
    (tmp_path / "t.csv").write_text("\n".join([HEADER, *rows]) + "\n")
    return "t.csv"


def config():
    with open("run/config.json") as file:
        return json.load(file)


def test_covariates_gaps_and_sizes_from_end_to_end(nelbo, table, SMALL):
    small = [word for word in SMALL if word not in ("--latent", "2")]
    code, _, err = nelbo(
        "train", table, "--likelihood", "auto", "--covariates", "age,sex", "--epochs", 2,
        "--prior", "conditional", "--out", "run", *small,
    )  # fmt: skip
    assert code == 0, err
    assert "missing entries" in err
    assert "not finite" not in err
    recorded = config()
    assert recorded["model"]["missing"] is True
    assert recorded["model"]["covariates"] == 2
    assert recorded["model"]["data_shape"] == [2]
    assert recorded["data"]["transform"].startswith("standardise:")
    code, out, err = nelbo("evaluate", "run", "--samples", 5, "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert found["elbo"]["base_measure"].endswith(", standardised")
    assert found["standardisation"]["value"] < 0  # millions weigh more than tenths
    assert nelbo("sample", "run", "--covariates", "50,1", "--n", 5, "--out", "s.npy")[0] == 0
    assert np.abs(np.load("s.npy")[:, 0]).min() > 1e5
    assert nelbo("reconstruct", "run", "--n", 4, "--out", "r.npy")[0] == 0
    assert np.load("r.npy").shape == (4, 2)
    code, out, err = nelbo("diagnose", "run")
    assert code in (0, 1), err
    assert "not finite" not in out
    code, _, err = nelbo("train", "--resume", "run", "--epochs", 3, "--device", "cpu")
    assert code == 0, err
    assert config()["data"]["covariates"] == recorded["data"]["covariates"]


def test_what_is_missing_is_filled_in_and_the_rest_stays(nelbo, table, SMALL):
    code, _, err = nelbo(
        "train", table, "--missing", "--likelihood", "gaussian:sigma=per_feature", "--transform",
        "standardise:columns=(0,1,2,3)", "--out", "run", "--epochs", 1, *SMALL,
    )  # fmt: skip
    assert code == 0, err
    code, out, err = nelbo("impute", "run", table, "--out", "f.csv", "--samples", 10)
    assert (code, err) == (0, "")
    before = np.genfromtxt(table, delimiter=",", skip_header=1)
    after = np.genfromtxt("f.csv", delimiter=",", skip_header=1)
    assert out == f"f.csv: {int(np.isnan(before).sum())} entries filled in\n"
    with open("f.csv") as file:
        assert file.readline().strip() == HEADER
    there = ~np.isnan(before)
    assert not np.isnan(after).any()
    np.testing.assert_allclose(after[there], before[there], rtol=1e-6)
    assert np.abs(after[:, 0]).min() > 1e5


def test_labels_as_covariates(nelbo, tmp_path, monkeypatch, images, SMALL):
    monkeypatch.chdir(tmp_path)
    labels = np.arange(len(images)) % 3
    np.savez("labelled.npz", x_train=images, y_train=labels, x_test=images[:9], y_test=labels[:9])
    code, _, err = nelbo(
        "train", "labelled.npz", "--covariates", "labels", "--out", "run", "--epochs", 1, *SMALL
    )
    assert code == 0, err
    assert config()["data"]["covariates"] == {"of": "labels", "classes": 3}
    assert nelbo("evaluate", "run", "--samples", 2)[0] == 0
    assert nelbo("sample", "run", "--covariates", 2, "--n", 4)[0] == 0
    assert nelbo("reconstruct", "run", "--n", 4)[0] == 0
    code, _, err = nelbo("sample", "run", "--covariates", 3)
    assert code == 2
    assert "expected a class from 0 to 2, got '3'" in err


@pytest.mark.parametrize(
    ("covariates", "said"),
    [
        ("agee", "Did you mean 'age'?"),
        ("4", "a number from 0 to 3"),
        ("labels", "labels of t: expected a class for each example"),
        ("age,age", "each column once"),
        ("income,delta,sex,age", "one left as data"),
    ],
)
def test_covariates_that_are_not_there_are_refused(nelbo, table, covariates, said):
    code, _, err = nelbo("train", table, "--covariates", covariates, "--out", "run")
    assert code == 2
    assert said in err


def test_a_run_without_covariates_takes_none(nelbo, trained):
    code, _, err = nelbo("sample", trained, "--covariates", 1)
    assert code == 2
    assert "expected a run that has any" in err
    code, _, err = nelbo("impute", trained, "tiny.npy")
    assert code == 2
    assert "Train with --missing." in err
