"""`nelbo train`: what it writes, and that --resume means the same in both its forms."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

import nelbo as library
from nelbo.cli.app import run
from nelbo.train import RunFolder


def _weights(out):
    return library.load(out).state_dict()


def _equal(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


def test_a_run(nelbo, tiny, SMALL):
    code, out, err = nelbo("train", tiny, *SMALL, "--epochs", 2, "--out", "runs/a")
    assert code == 0
    assert out == "runs/a: written. Next: nelbo evaluate runs/a, nelbo sample runs/a\n"
    lines = err.splitlines()
    said = ["likelihoo", "objective", "forecast ", "arithmeti", "epoch 1/2", "epoch 2/2"]
    assert [line[:9] for line in lines] == said
    config = RunFolder("runs/a").config()
    assert config["data"]["name"] == str(Path(tiny).resolve())
    assert config["train"] == {"epochs": 2, "batch": 20, "lr": 0.001, "clip": None,
                               "patience": None, "seed": 0, "precision": "fp32"}  # fmt: skip
    assert len(Path("runs/a/metrics.jsonl").read_text().splitlines()) == 2


def test_the_default_folder_is_named_for_data_and_likelihood(nelbo, tiny, SMALL):
    words = ("train", tiny, *SMALL, "--epochs", 1, "--likelihood", "gaussian:variance=0.1")
    assert nelbo(*words)[0] == 0
    assert Path("runs/tiny-gaussian/config.json").exists()


def test_every_flag_arrives(nelbo, tiny):
    words = (
        "--likelihood", "gaussian:sigma=optimal", "--posterior", "diagonal", "--prior", "standard",
        "--objective", "elbo:beta=linear(steps=4)", "--network", "mlp:activation=relu",
        "--transform", "dynamic_binarise", "--hidden", "5,4", "--latent", 3, "--batch", 9,
        "--epochs", 2, "--lr", 0.01, "--clip", 7, "--patience", 2, "--seed", 5,
        "--precision", "bf16", "--device", "cpu", "--out", "a",
    )  # fmt: skip
    assert nelbo("train", tiny, *words)[0] == 0
    config = RunFolder("a").config()
    model = config["model"]
    assert model["network"] == {
        "name": "mlp", "arguments": {"hidden": [5, 4], "activation": "relu"}
    }  # fmt: skip
    assert model["latent"] == 3
    assert model["likelihood"]["arguments"]["sigma"] == "optimal"
    assert config["objective"]["arguments"]["beta"]["arguments"]["steps"] == 4
    assert config["train"] == {"epochs": 2, "batch": 9, "lr": 0.01, "clip": 7.0, "patience": 2,
                               "seed": 5, "precision": "bf16"}  # fmt: skip
    assert config["data"]["transform"] == "dynamic_binarise"
    assert (config["data"]["examples"], config["data"]["validation_examples"]) == (49, 5)
    assert "valid_elbo" in json.loads(Path("a/metrics.jsonl").read_text().splitlines()[0])


def test_same_command_same_weights(nelbo, tiny, SMALL):
    for out in ("a", "b"):
        nelbo("train", tiny, *SMALL, "--epochs", 1, "--out", out)
    nelbo("train", tiny, *SMALL, "--epochs", 1, "--out", "c", "--seed", 1)
    assert _equal(_weights("a"), _weights("b"))
    assert not _equal(_weights("a"), _weights("c"))


@pytest.fixture(scope="module")
def begun(tmp_path_factory, images, SMALL):
    """The folders of one run of one epoch, and of the same run of three."""
    folder = tmp_path_factory.mktemp("begun")
    np.save(folder / "tiny.npy", images)
    words = ["train", str(folder / "tiny.npy"), *SMALL, "--patience", "5"]
    for epochs in (1, 3):
        assert run([*words, "--epochs", str(epochs), "--out", str(folder / str(epochs))]) == 0
    return folder / "1", folder / "3"


@pytest.mark.parametrize(
    "words",
    [
        ("--resume", "a"),
        ("--out", "a", "--resume"),
        ("tiny.npy", "--out", "a", "--resume"),
        ("./tiny.npy", "--resume", "--out", "a", "--latent", "2", "--hidden", "6"),
    ],
)
def test_every_form_of_resume_means_the_same(nelbo, tiny, begun, words):
    short, long = begun
    shutil.copytree(short, "a")
    code, out, _ = nelbo("train", *words, "--epochs", 3)
    assert code == 0
    assert out.startswith("a: written.")
    assert _equal(_weights("a"), _weights(long))


def test_resume_from_another_folder_and_with_the_data_moved(nelbo, tiny, SMALL, monkeypatch):
    nelbo("train", tiny, *SMALL, "--epochs", 1, "--out", "a")
    Path("elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    assert nelbo("train", "--resume", "../a", "--epochs", 2)[0] == 0
    Path("../tiny.npy").rename("moved.npy")
    code, _, err = nelbo("train", "--resume", "../a", "--epochs", 3)
    assert code == 2
    assert "tiny.npy" in err
    assert nelbo("train", "moved.npy", "--out", "../a", "--resume", "--epochs", 3)[0] == 0
    assert nelbo("evaluate", "../a", "--samples", 0)[0] == 0


def test_longer_epochs_are_remembered_by_the_next_resume(nelbo, tiny, SMALL):
    nelbo("train", tiny, *SMALL, "--epochs", 1, "--out", "a")
    nelbo("train", "--resume", "a", "--epochs", 2)
    assert RunFolder("a").config()["train"]["epochs"] == 2


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (
            ("--likelihood", "gaussian"),
            "expected likelihood = bernoulli, as it began, got gaussian",
        ),
        (("--hidden", "7"), "expected network = mlp:hidden=(6,), as it began, got mlp:hidden=(7,)"),
        (("--latent", "3"), "expected latent = 2, as it began, got 3"),
        (("--batch", "10"), "expected batch = 20, as it began, got 10"),
        (
            ("--transform", "static_binarise"),
            "expected transform = scale, as it began, got static_binarise",
        ),
    ],
)
def test_a_changed_setting_is_refused_by_name(nelbo, trained, snapshot, words, says):
    before = snapshot(trained)
    code, out, err = nelbo("train", "--resume", trained, *words, "--epochs", 3)
    assert (code, out) == (2, "")
    assert says in err.replace("\n", " ")
    assert len(err.splitlines()) == 1
    assert snapshot(trained) == before


@pytest.mark.filterwarnings("default")
def test_grey_values_warn_in_one_line_with_one_action(nelbo, tiny, SMALL):
    np.save("grey.npy", np.full((40, 1, 8, 8), 100, dtype=np.uint8))
    code, _, err = nelbo("train", "grey.npy", *SMALL, "--epochs", 1, "--out", "a")
    assert code == 0
    (warning,) = (line for line in err.splitlines() if line.startswith("warning"))
    assert "continuous_bernoulli" in warning
