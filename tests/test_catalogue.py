"""Every model and sampler of docs/catalogue.md is built, trained, sampled, saved and diagnosed."""

import copy
import shlex
import sys
from importlib import import_module
from pathlib import Path

import pytest
import torch

import nelbo
from nelbo import registry
from nelbo.rng import seeded

DOCS = Path(__file__).parent.parent / "docs"
sys.path.insert(0, str(DOCS))
catalogue, spelling = import_module("catalogue"), import_module("spelling")
make = import_module("make_catalogue")
sys.path.remove(str(DOCS))

IMAGES, EPOCHS, NOISE = 400, 6, 5.0
BRIEF = {"steps=3000": "steps=10"}  # a run of 48 steps
SYMPTOMS = ("collapse", "unused_latents", "worse_than_pca", "worse_than_constant", "prior_hole")


@pytest.fixture(scope="module", name="digits")
def _digits():
    mnist = nelbo.data.load("mnist", transform="static_binarise")
    return mnist.train.take(torch.arange(IMAGES))


def small(latent, **texts):
    """Return the model of the texts, the objective aside, of a small network."""
    torch.manual_seed(0)
    parts = {axis: registry.build(axis, text) for axis, text in texts.items()}
    return nelbo.VAE((1, 28, 28), latent, network=nelbo.networks.MLP(hidden=(64,)), **parts)


def check_samples(model, n=7):
    made = model.sample(n, seed=0)
    assert made.shape == (n, *model.data_shape)
    assert bool(made.isfinite().all())
    assert torch.equal(made, model.sample(n, seed=0))


def check_reloads(model, folder, x):
    again = nelbo.load(folder)
    assert torch.equal(again.reconstruct(x), model.reconstruct(x))
    assert torch.equal(again.sample(3, seed=1), model.sample(3, seed=1))


@torch.no_grad()
def gains(objective, before, after, x, step):
    """Return the objective of each example, that of the untrained model subtracted."""
    found = []
    for model in (before, after):
        with seeded(0):
            objective = objective.at(step)
            found.append(objective(objective.terms(model.eval(), x)))
    return found[1] - found[0]


@pytest.mark.parametrize("record", catalogue.MODELS, ids=lambda record: record.name)
def test_a_model_of_pythaes_learns_samples_reloads_and_is_diagnosed(record, digits, tmp_path):
    texts = dict(record.spelled)
    text = texts.pop("objective", "elbo")
    for long, brief in BRIEF.items():
        text = text.replace(long, brief)
    objective = registry.build("objective", text)
    model = small(record.latent, **texts)
    model.initialise(digits.mean())
    before = copy.deepcopy(model)
    nelbo.fit(
        model, digits, objective=objective, epochs=EPOCHS, batch=50, lr=3e-3, callbacks=[],
        out=tmp_path / "run",
    )  # fmt: skip
    # a critic has learnt meanwhile: the same one looks at both
    better = gains(objective, before, model, digits[:], step=EPOCHS * IMAGES // 50)
    assert better.mean() > NOISE * better.std() / IMAGES**0.5
    check_samples(model)
    check_reloads(model, tmp_path / "run", digits[:5])
    found = nelbo.diagnose(model, digits, examples=200).findings
    # a short run leaves symptoms of one, but no bug is seen where there is none
    assert [f for f in found if f.severity == "error" and f.code not in SYMPTOMS] == []


@pytest.mark.parametrize("record", catalogue.SAMPLERS, ids=lambda record: record.name)
def test_a_sampler_of_pythaes_samples(record, digits):
    prior = record.prior or ("uniform_codes" if record.posterior == "vq" else "standard")
    model = small(record.latent, posterior=record.posterior, prior=prior)
    nelbo.fit(model, digits, epochs=2, batch=50, callbacks=[])
    if record.fitted:
        fitted = registry.build("prior", record.fitted)
        better = nelbo.fit_prior(model, digits, fitted, epochs=3, callbacks=[])
        assert type(better.prior) is type(fitted)
        check_samples(better)
    elif record.prior:
        check_samples(model)
    else:
        made = model.decode(model.posterior.volume.sample((1, 7))).mean[0]
        assert made.shape == (7, 1, 28, 28)
        assert bool(made.isfinite().all())


@pytest.mark.parametrize("record", catalogue.MODELS, ids=lambda record: record.name)
def test_the_lines_of_a_row_say_what_its_texts_say(record):
    options = shlex.split(spelling.command(record))[3:]
    said = {
        key.removeprefix("--"): value
        for key, value in zip(options[::2], options[1::2], strict=True)
    }
    assert int(said.pop("latent", "20")) == record.latent
    assert said == record.spelled
    folders = (nelbo.posteriors, nelbo.priors, nelbo.objectives)
    names = {name: value for folder in folders for name, value in vars(folder).items()}
    told = {}
    line = spelling.python(record)

    def fit(*given, **named):
        told.update(given=given, named=named)

    eval(line, {**names, "VAE": nelbo.VAE, "data": None, "fit": fit})
    model, objective = told["given"][0], told["named"].get("objective", nelbo.objectives.ELBO())
    assert (model.data_shape, model.latent) == ((1, 28, 28), record.latent)
    for axis in ("posterior", "prior", "objective"):
        component = objective if axis == "objective" else getattr(model, axis)
        usual = {"posterior": "diagonal", "prior": "standard", "objective": "elbo"}[axis]
        wanted = registry.spec(registry.build(axis, record.spelled.get(axis, usual)))
        assert registry.spec(component) == wanted


def test_the_tables_of_the_page_are_those_that_the_script_writes():
    page = make.PAGE.read_text()
    for part in (make.HEAD, make.models(), make.samplers(), make.components()):
        assert part in page
