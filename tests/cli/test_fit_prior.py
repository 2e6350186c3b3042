"""`nelbo fit-prior`: the new run is one that the other verbs understand."""

import json
from pathlib import Path

FIT = ("--epochs", 2, "--batch", 20, "--device", "cpu")


def test_the_new_run_is_understood_by_the_other_verbs(nelbo, trained):
    before = {path: path.read_bytes() for path in trained.rglob("*") if path.is_file()}
    words = ("fit-prior", trained, "--prior", "mixture:components=3", "--out", "runs/sampler")
    code, out, err = nelbo(*words, *FIT)
    assert code == 0
    assert out == (
        "runs/sampler: written. Next: nelbo sample runs/sampler, nelbo evaluate runs/sampler\n"
    )
    assert "at the start" in err
    assert "epoch 2/2  log p(z)" in err
    assert {path: path.read_bytes() for path in trained.rglob("*") if path.is_file()} == before
    config = json.loads(Path("runs/sampler/config.json").read_text())
    assert config["model"]["prior"]["arguments"] == {"components": 3}
    assert config["data"]["run"] == str(trained)
    assert config["train"] == {"epochs": 2, "batch": 20, "lr": 0.001, "seed": 0}
    for verb in ("evaluate", "sample"):
        assert nelbo(verb, "runs/sampler")[0] == 0
    code, out, _ = nelbo("diagnose", "runs/sampler", "--json")
    assert code in (0, 1)
    assert json.loads(out)


def test_the_folder_has_the_names_of_run_and_prior(nelbo, trained):
    assert nelbo("fit-prior", trained, *FIT)[0] == 0
    assert Path("runs/run-mixture/config.json").exists()
    code, _, err = nelbo("fit-prior", trained, *FIT)
    assert code == 2
    assert "with another run. Choose another folder" in err.replace("\n", " ")


def test_what_is_refused_is_refused_in_one_line(nelbo, trained):
    for words, says in (
        (("--prior", "mixtur"), "Did you mean 'mixture'?"),
        (("--prior", "standard"), "expected one that learns"),
        (("--prior", "autoregressive_codes"), "got a mass on codes"),
        (("--lr", "0"), "lr: expected a positive number"),
    ):
        code, out, err = nelbo("fit-prior", trained, *words, "--out", "new")
        assert (code, out) == (2, "")
        assert says in err
        assert not Path("new").exists()


def test_a_fitted_prior_is_no_run_to_go_on_with(nelbo, trained):
    nelbo("fit-prior", trained, *FIT, "--out", "new")
    code, _, err = nelbo("train", "--resume", "new")
    assert code == 2
    assert "expected one of nelbo train, got a prior that was fitted" in err
