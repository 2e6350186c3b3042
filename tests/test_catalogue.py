"""Every model and sampler of docs/catalogue.md is built, trained, sampled, saved and diagnosed."""

import random
import shlex
import sys
import warnings
from importlib import import_module
from pathlib import Path

import pytest
import torch

import nelbo
from nelbo import registry
from nelbo.errors import BadValue, NelboError, NelboWarning

DOCS = Path(__file__).parent.parent / "docs"
sys.path.insert(0, str(DOCS))
catalogue, combinations = import_module("catalogue"), import_module("combinations")
make = import_module("make_catalogue")
sys.path.remove(str(DOCS))

IMAGES, EPOCHS = 400, 6
# a run of some 50 steps, not thousands
SHORTER = {"steps=3000": "steps=10"}
# nothing falls: what the critic thinks of the model is the half of it
ADVERSARIAL = ("VAEGAN", "Adversarial_AE")


@pytest.fixture(scope="module", name="digits")
def _digits():
    mnist = nelbo.data.load("mnist", transform="static_binarise")
    return mnist.train.take(torch.arange(IMAGES))


def built(record, **other):
    parts = {**record, **other}
    for long, short in SHORTER.items():
        parts = {axis: text.replace(long, short) for axis, text in parts.items()}
    parts = {axis: registry.build(axis, text) for axis, text in parts.items()}
    objective = parts.pop("objective", None)
    return parts, objective


def small(latent, **parts):
    torch.manual_seed(0)
    network = parts.pop("network", nelbo.networks.MLP(hidden=(64,)))
    return nelbo.VAE((1, 28, 28), latent, network=network, **parts)


def check_samples(model, n=7):
    made = model.sample(n, seed=0)
    assert made.shape == (n, 1, 28, 28)
    assert bool(made.isfinite().all())
    assert bool((made == model.sample(n, seed=0)).all())


def check_reloads(model, folder, x):
    again = nelbo.load(folder)
    torch.testing.assert_close(again.reconstruct(x), model.reconstruct(x), rtol=0, atol=0)
    torch.testing.assert_close(again.sample(3, seed=1), model.sample(3, seed=1), rtol=0, atol=0)


@pytest.mark.parametrize("record", catalogue.MODELS, ids=lambda record: record.name)
def test_a_model_of_pythaes_learns_samples_reloads_and_is_diagnosed(record, digits, tmp_path):
    parts, objective = built(record.spelled)
    model = small(record.latent, **parts)
    model.initialise(digits.mean())
    before = reconstruction(model, digits)
    run = nelbo.fit(
        model, digits, objective=objective, epochs=EPOCHS, batch=50, lr=3e-3, callbacks=[],
        out=tmp_path / "run",
    )  # fmt: skip
    losses = [line["loss"] for line in run.history]
    print(record.name, [round(v, 1) for v in losses], run.history[-1].keys(), before, reconstruction(model, digits))
    check_samples(run.model)
    check_reloads(run.model, tmp_path / "run", digits[:5])
    found = nelbo.diagnose(run.model, digits, examples=200)
    print(record.name, [(f.code, f.severity) for f in found.findings])


def reconstruction(model, data):
    x = data[:]
    with torch.no_grad():
        return float((model.reconstruct(x) - x).square().flatten(1).sum(1).mean())
