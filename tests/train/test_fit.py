"""What `fit` promises: clipping, precision, callbacks, and a model that can be rebuilt."""

import math

import pytest
import torch

import nelbo
from nelbo.errors import BadValue
from nelbo.objectives import ELBO
from nelbo.objectives.schedules import Linear
from nelbo.train import Callback, RunFolder
from nelbo.train.adam import Adam
from nelbo.train.beliefs import beliefs
from tests.train.running import TERMS, fit

# --- clipping and precision -----------------------------------------------------------------------


def test_clip_bounds_the_norm_of_the_gradient(make, x):
    norms = []

    class Norm(Callback):
        def on_step(self, epoch, examples, means):
            gradients = [p.grad for p in self.model.parameters()]
            norms.append(math.sqrt(sum(float((g.double() ** 2).sum()) for g in gradients)))

    norm = Norm()
    norm.model = make()
    free = fit(norm.model, x, epochs=1, callbacks=[norm]).model
    assert min(norms) > 0.05
    largest, norms[:] = max(norms), []
    norm.model = make()
    clipped = fit(norm.model, x, epochs=1, clip=0.05, callbacks=[norm]).model
    assert norms == pytest.approx([0.05] * 4, rel=1e-3)
    assert not torch.equal(free.encoder[1].weight, clipped.encoder[1].weight)
    norm.model = make()
    loose = fit(norm.model, x, epochs=1, clip=2 * largest, callbacks=[norm]).model
    assert torch.equal(free.encoder[1].weight, loose.encoder[1].weight)


def test_bf16_runs_and_its_metrics_are_finite_and_close(make, x):
    def model():
        return make(likelihood=nelbo.likelihoods.Gaussian(sigma="optimal"))

    full = fit(model(), x, valid=x[:9], lr=0.01)
    half = fit(model(), x, valid=x[:9], lr=0.01, precision="bf16")
    assert all(p.dtype == torch.float32 for p in half.model.parameters())
    for a, b in zip(full.history, half.history, strict=True):
        for name in TERMS:
            assert b[name] == pytest.approx(a[name], rel=0.05, abs=0.05)
        assert all(map(math.isfinite, b.values()))
    assert [h["loss"] for h in half.history] != [h["loss"] for h in full.history]


# --- the model that comes back --------------------------------------------------------------------


def test_the_model_comes_back_in_evaluation_mode(make, x):
    likelihood = nelbo.likelihoods.Gaussian(sigma="optimal")
    model = fit(make(likelihood=likelihood), x).model
    before = {k: v.clone() for k, v in model.state_dict().items()}
    model.terms(x).log_px  # noqa: B018
    assert not model.training
    assert all(torch.equal(before[k], v) for k, v in model.state_dict().items())


def test_adam_is_fused_where_every_torch_can(make):
    assert Adam(make().parameters(), 0.1).defaults["fused"]
    assert not Adam(make().to("meta").parameters(), 0.1).defaults["fused"]


# --- callbacks, records, networks -----------------------------------------------------------------


def test_callbacks_hear_everything_in_order(make, x):
    heard = []

    class Hear(Callback):
        def on_start(self, beliefs, examples, epochs):
            heard.append(("start", examples, epochs))

        def on_step(self, epoch, examples, means):
            heard.append(("step", epoch, examples))

        def on_epoch(self, metrics):
            heard.append(("epoch", metrics["epoch"]))

        def on_end(self, message):
            heard.append(("end", message))

    fit(make(), x, batch=20, callbacks=[Hear()])
    steps = [[("step", e, 20), ("step", e, 33), ("epoch", e)] for e in (1, 2)]
    assert heard == [("start", 33, 2), *steps[0], *steps[1], ("end", "")]


def test_callbacks_hear_of_the_end_when_one_of_them_fails(make, x):
    ended = []

    class End(Callback):
        def on_end(self, message):
            ended.append(message)

    class Fails(Callback):
        def on_start(self, beliefs, examples, epochs):
            raise RuntimeError("no display")

    with pytest.raises(RuntimeError, match="no display"):
        fit(make(), x, callbacks=[End(), Fails()])
    assert ended == [""]


def test_beliefs_name_what_is_assumed(make):
    model = make(likelihood=nelbo.likelihoods.Gaussian(variance=392.0))
    said = beliefs(model, ELBO(beta=4.0))
    assert "392" in said["likelihood"]
    assert "density on R^D" in said["likelihood"]
    assert said["objective"] == "ELBO, beta = 4, in nats per example"


def test_the_configuration_rebuilds_the_model(tmp_path, make, x):
    fit(make(), x, out=tmp_path / "run", about={"name": "mine"})
    config = RunFolder(tmp_path / "run").config()
    assert config["model"] == nelbo.VAE.from_spec(config["model"]).spec() == make().spec()
    data = {k: v for k, v in config["data"].items() if k != "fingerprint"}
    assert data == {"examples": 33, "validation_examples": None, "name": "mine"}
    assert config["versions"].keys() == {"nelbo", "python", "torch", "numpy"}


@pytest.mark.parametrize("sigma", ["learned", "optimal"])
def test_load_gives_the_same_outputs(tmp_path, make, x, sigma):
    likelihood = nelbo.likelihoods.Gaussian(sigma=sigma)
    run = fit(make(likelihood=likelihood), x, out=tmp_path / "run")
    loaded = nelbo.load(tmp_path / "run")
    assert not loaded.training
    assert torch.equal(loaded.reconstruct(x), run.model.reconstruct(x))
    assert torch.equal(loaded.sample(3, seed=1), run.model.sample(3, seed=1))
    a, b = (nelbo.evaluate(m, x, [nelbo.evaluate.ELBO()]) for m in (loaded, run.model))
    assert a == b


def _own(width):
    tied = torch.nn.Linear(width, width)  # shared, as tied weights are
    encoder = torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.Linear(6, width), tied, torch.nn.Linear(width, 4)
    )
    decoder = torch.nn.Sequential(torch.nn.Linear(2, width), tied, torch.nn.Linear(width, 6))
    return nelbo.networks.Modules(encoder, decoder)


def test_users_modules_are_asked_for(tmp_path, x, one_line):
    model = nelbo.VAE((1, 2, 3), 2, network=_own(3))
    fit(model, x, out=tmp_path / "run")
    with pytest.raises(BadValue) as error:
        nelbo.load(tmp_path / "run")
    assert "It cannot be rebuilt from a file: pass" in one_line(error)
    loaded = nelbo.load(tmp_path / "run", network=_own(3))
    assert torch.equal(loaded.reconstruct(x), model.reconstruct(x))
    with pytest.raises(BadValue) as error:
        nelbo.load(tmp_path / "run", network=_own(5))
    assert "Pass the same network as in training." in one_line(error)


def test_streams_of_unknown_size_are_trained_on(make, x):
    class Stream:
        def __iter__(self):
            return iter(x.split(8))

    objective = ELBO(beta=Linear(steps=1000))  # nobody knows how many steps there will be
    run = fit(make(), Stream(), objective=objective, epochs=2)
    assert [line["epoch"] for line in run.history] == [1, 2]
