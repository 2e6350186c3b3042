"""What `fit` promises: honest metrics, one seed one result, and refusals before any work."""

import math
import threading
from dataclasses import dataclass

import pytest
import torch

import nelbo
from nelbo import formulas
from nelbo.data import Examples
from nelbo.errors import BadValue, Failed
from nelbo.objectives import ELBO, Objective
from nelbo.objectives.schedules import Linear
from nelbo.rng import generator, seeded
from nelbo.train import Callback, RunFolder
from nelbo.train.fit import beliefs

TERMS = ("reconstruction", "kl", "elbo")


def fit(model, x, **arguments):
    return nelbo.fit(model, x, **{"epochs": 2, "batch": 10, "callbacks": [], **arguments})


# --- metrics --------------------------------------------------------------------------------------


def test_a_line_of_metrics(tmp_path, make, x, lines_of):
    run = fit(make(), x, valid=x[:9], out=tmp_path / "run")
    twins = {f"valid_{name}" for name in TERMS}
    keys = {"epoch", *TERMS, "loss", "images_per_second", "seconds"}
    assert [line.keys() for line in run.history] == [keys | twins] * 2
    assert [line["epoch"] for line in run.history] == [1, 2]
    written = lines_of(tmp_path / "run")
    assert written == [
        {k: h[k] for k in line} for line, h in zip(written, run.history, strict=True)
    ]
    for line in run.history:
        speed = len(x) / line["seconds"]
        assert line["images_per_second"] == pytest.approx(speed, rel=1e-6)
        for prefix in ("", "valid_"):
            r, kl = line[f"{prefix}reconstruction"], line[f"{prefix}kl"]
            assert line[f"{prefix}elbo"] == pytest.approx(r - kl, rel=1e-6)


@pytest.mark.parametrize("beta", [1.0, 4.0])
def test_the_loss_is_the_negative_objective_and_the_elbo_is_at_beta_1(make, x, beta):
    (line,) = fit(make(), x, objective=ELBO(beta=beta), epochs=1).history
    assert line["loss"] == pytest.approx(-(line["reconstruction"] - beta * line["kl"]), rel=1e-5)
    assert line["elbo"] == pytest.approx(line["reconstruction"] - line["kl"], rel=1e-6)


# elbo = sum_d x_d log m_d + (1 - x_d) log(1 - m_d) - 1/2 sum_j mu_j^2 + s_j^2 - 1 - log s_j^2
def _by_hand(model, x, eps):
    """Reconstruction and KL per example from the paper's formulas (Kingma & Welling 2014, B, C)."""
    mu, logvar = model.encoder(x).double().unbind(1)
    z = mu + (0.5 * logvar).exp() * eps.double()
    mean = torch.sigmoid(model.decoder(z.float()).double())
    log_px = (x * mean.log() + (1 - x) * (1 - mean).log()).flatten(1).sum(1)
    return log_px, 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(1)


def test_both_terms_are_those_of_a_hand_computation(make, x):
    """One epoch by hand, with Adam from torch: same order, same noise, same weights."""
    run, model = fit(make(), x, epochs=1, seed=3), make()
    optimizer, sums = torch.optim.Adam(model.parameters(), lr=1e-3), torch.zeros(2).double()
    order = torch.randperm(len(x), generator=generator(3, 0))
    with seeded(3):
        for batch in x[order].split(10):
            eps = torch.randn(1, len(batch), 2)[0]
            log_px, kl = _by_hand(model, batch, eps)
            sums += torch.stack([log_px.sum(), kl.sum()]).detach()
            optimizer.zero_grad()
            (kl - log_px).mean().backward()
            optimizer.step()
    line = run.history[0]
    expected = (sums / len(x)).tolist()
    assert [line["reconstruction"], line["kl"]] == pytest.approx(expected, rel=1e-5)
    for a, b in zip(run.model.parameters(), model.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-6)


def test_validation_is_the_evaluation_of_the_weights_after_the_epoch(make, x):
    run = fit(make(), x, valid=x[:9], epochs=1, seed=3)
    found = nelbo.evaluate(run.model, x[:9], [nelbo.evaluate.ELBO()], seed=3)
    for name in TERMS:
        assert run.history[0][f"valid_{name}"] == found[name].value


def test_the_last_batch_counts_by_its_size(make):
    """With a learning rate of almost 0 the epoch's mean is the mean over examples, not batches."""
    data = torch.cat([torch.zeros(10, 1, 2, 3), torch.ones(1, 1, 2, 3)])
    run = fit(make(), data, epochs=1, lr=1e-12, batch=10)
    assert run.history[0]["kl"] == pytest.approx(_kl(run.model, data), rel=1e-5)


def _kl(model, x):
    mu, logvar = model.encoder(x).detach().unbind(1)
    return formulas.gaussian_kl(mu, logvar).sum(1).mean().item()


# --- seeds ----------------------------------------------------------------------------------------


def test_same_seed_same_weights_and_another_seed_others(make, x, same):
    a, b, c = (fit(make(), x, seed=seed).model.state_dict() for seed in (1, 1, 2))
    same(a, b)
    assert not torch.equal(a["encoder.1.weight"], c["encoder.1.weight"])


def test_a_folder_and_callbacks_change_nothing(tmp_path, make, x, same):
    class Draws(Callback):
        def on_step(self, epoch, examples, means):
            assert means().keys() == {*TERMS, "loss", "images_per_second"}

    plain = fit(make(), x, valid=x[:5])
    watched = fit(make(), x, valid=x[:5], out=tmp_path / "run", callbacks=[Draws()])
    unwatched = fit(make(), x)
    same(plain.model.state_dict(), watched.model.state_dict())
    same(plain.model.state_dict(), unwatched.model.state_dict())


def test_the_callers_generators_stay_as_they_were(make, x):
    import numpy as np

    model = make()
    before = torch.get_rng_state(), np.random.get_state()[1].tolist()
    run = fit(model, Examples(x, "dynamic_binarise"), valid=x[:5], patience=2)
    nelbo.evaluate(run.model, x, [nelbo.evaluate.ELBO()])
    run.model.sample(3, seed=1)
    after = torch.get_rng_state(), np.random.get_state()[1].tolist()
    assert torch.equal(before[0], after[0])
    assert before[1] == after[1]


def test_in_another_thread(make, x, same):
    found = []
    thread = threading.Thread(target=lambda: found.append(fit(make(), x)))
    thread.start()
    thread.join()
    same(found[0].model.state_dict(), fit(make(), x).model.state_dict())


# --- early stopping -------------------------------------------------------------------------------


class _Remember(Callback):
    def __init__(self, model):
        self.model, self.weights = model, []

    def on_epoch(self, metrics):
        self.weights.append({k: v.clone() for k, v in self.model.state_dict().items()})


@pytest.mark.parametrize("beta", [1.0, 4.0])
@pytest.mark.parametrize("out", [None, "run"])
def test_early_stopping_gives_the_epoch_of_the_best_elbo_at_beta_1(
    tmp_path, make, x, same, beta, out
):
    model = make()
    remember = _Remember(model)
    folder = None if out is None else tmp_path / out
    arguments = {"objective": ELBO(beta=beta), "lr": 0.3, "epochs": 30, "patience": 2}
    run = fit(model, x, valid=x[:12], out=folder, callbacks=[remember], **arguments)
    elbos = [line["valid_elbo"] for line in run.history]
    best = max(range(len(elbos)), key=elbos.__getitem__)
    assert len(elbos) == best + 1 + 2 < 30  # it stopped, two epochs after the best
    same(run.model.state_dict(), remember.weights[best])
    if folder is not None:
        same(nelbo.load(folder).state_dict(), remember.weights[best])


def test_the_best_epoch_is_not_that_of_the_objective(make, x, same, monkeypatch):
    """Validations where the ELBO is best at the second epoch, with beta = 4 at the first."""
    values = iter([(-9.0, 1.0), (-4.0, 3.0), (-8.5, 1.0), (-8.0, 1.5)])

    def validation(*arguments, **others):
        reconstruction, kl = next(values)
        numbers = {"reconstruction": reconstruction, "kl": kl, "elbo": reconstruction - kl}
        unit = "nats per example"
        return {k: nelbo.evaluate.Estimate(k, v, unit, 0.0, 5) for k, v in numbers.items()}

    monkeypatch.setattr("nelbo.train.loop.evaluate", validation)
    model = make()
    remember = _Remember(model)
    arguments = {"objective": ELBO(beta=4.0), "epochs": 9, "patience": 2}
    run = fit(model, x, valid=x[:5], callbacks=[remember], **arguments)
    assert len(run.history) == 4
    same(run.model.state_dict(), remember.weights[1])


def test_without_patience_the_last_weights_are_kept(tmp_path, make, x, same):
    run = fit(make(), x, valid=x[:12], lr=0.3, epochs=6, out=tmp_path / "run")
    same(nelbo.load(tmp_path / "run").state_dict(), run.model.state_dict())
    assert not (tmp_path / "run" / "best.safetensors").exists()


# --- numbers that are not finite ------------------------------------------------------------------


@dataclass(frozen=True)
class _Breaks(Objective):
    """The ELBO until a step, then times a factor."""

    factor: float
    step: int
    beta: float = 1.0

    def at(self, step):
        return ELBO() if step < self.step else self

    def __call__(self, terms):
        return self.factor * ELBO()(terms)

    @property
    def belief(self):
        return "breaks"


@dataclass(frozen=True)
class _InfiniteGradient(_Breaks):
    def __call__(self, terms):
        elbo = ELBO()(terms)
        return elbo + (elbo - elbo.detach()).clamp_min(0).sqrt()  # its value is 0, its slope inf


@pytest.fixture(autouse=True)
def _registered(monkeypatch):
    known = dict(nelbo.registry._COMPONENTS["objective"], breaks=_Breaks, inf=_InfiniteGradient)
    monkeypatch.setitem(nelbo.registry._COMPONENTS, "objective", known)


@pytest.mark.parametrize("factor", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_stops_with_epoch_and_step(tmp_path, make, x, same, factor):
    whole = fit(make(), x, epochs=1)  # 4 steps
    with pytest.raises(Failed, match="epoch 2, step 6: expected a finite loss, got") as error:
        fit(make(), x, objective=_Breaks(factor, step=5), out=tmp_path / "run")
    assert "the last checkpoint is intact" in str(error.value)
    same(nelbo.load(tmp_path / "run").state_dict(), whole.model.state_dict())
    with pytest.raises(Failed) as error:
        fit(make(), x, objective=_Breaks(factor, step=5))
    assert "checkpoint" not in str(error.value)


@pytest.mark.parametrize("stop", [False, True])
def test_weights_that_are_not_finite_are_never_saved(tmp_path, make, x, same, Stop, stop):
    """A finite loss with an infinite gradient at the last step before a checkpoint."""
    whole = fit(make(), x, epochs=1)
    step = 5 if stop else 7
    callbacks = [Stop(step + 1)] if stop else []
    objective = _InfiniteGradient(1.0, step=step)
    with pytest.raises(Failed, match=f"epoch 2, step {step + 1}: expected a finite set of weights"):
        fit(make(), x, objective=objective, out=tmp_path / "run", callbacks=callbacks)
    same(nelbo.load(tmp_path / "run").state_dict(), whole.model.state_dict())


def test_a_validation_that_is_not_finite_stops_too(make, x, monkeypatch):
    found = {"elbo": nelbo.evaluate.Estimate("elbo", math.nan, "nats per example", 0.0, 3)}
    monkeypatch.setattr("nelbo.train.loop.evaluate", lambda *a, **k: found)
    with pytest.raises(Failed, match="epoch 1, step 4: expected a finite validation ELBO, got nan"):
        fit(make(), x, valid=x[:3])


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
    axes = {"likelihood": nelbo.likelihoods.Gaussian(sigma="optimal")}
    full = fit(make(**axes), x, valid=x[:9], lr=0.01)
    half = fit(make(**axes), x, valid=x[:9], lr=0.01, precision="bf16")
    assert all(p.dtype == torch.float32 for p in half.model.parameters())
    for a, b in zip(full.history, half.history, strict=True):
        for name in TERMS:
            assert b[name] == pytest.approx(a[name], rel=0.05, abs=0.05)
        assert all(map(math.isfinite, b.values()))
    assert [h["loss"] for h in half.history] != [h["loss"] for h in full.history]


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"epochs": 0}, "epochs: expected an integer of at least 1, got 0"),
        ({"batch": -3}, "batch: expected an integer of at least 1, got -3"),
        ({"patience": 0, "valid": torch.ones(3, 1, 2, 3)}, "patience: expected an integer"),
        ({"patience": 3}, "patience: expected a validation set with it, got none"),
        ({"lr": 0.0}, "lr: expected a positive number, got 0.0"),
        ({"lr": math.nan}, "lr: expected a positive number, got nan"),
        ({"clip": -1.0}, "clip: expected a positive number, got -1.0"),
        ({"clip": math.inf}, "clip: expected a positive number, got inf"),
        ({"precision": "fp3"}, "Did you mean 'fp32'?"),
        (
            {"objective": ELBO(beta=Linear(steps=100))},
            "expected at most the run's 8 steps, got 100",
        ),
        ({"resume": True, "out": None}, "resume: expected the run's folder, got none"),
        ({"valid": torch.ones(3, 6)}, "expected examples of shape [1, 2, 3], got [6]"),
        ({"valid": torch.full((3, 1, 2, 3), 2.0)}, "data for Bernoulli: expected"),
        ({"train": torch.ones(30, 6)}, "expected examples of shape [1, 2, 3], got [6]"),
        ({"train": -torch.ones(30, 1, 2, 3)}, "got values from -1 to -1"),
        ({"train": torch.full((30, 1, 2, 3), math.nan)}, "finite"),
        ({"train": []}, "expected at least one batch, got none"),
    ],
)
def test_refused_before_any_work(tmp_path, make, x, one_line, arguments, says):
    model = make()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    arguments = {"train": x, "out": tmp_path / "run", **arguments}
    with pytest.raises(BadValue) as error:
        fit(model, arguments.pop("train"), **arguments)
    assert says in one_line(error)
    assert list(tmp_path.iterdir()) == []
    assert all(torch.equal(before[k], v) for k, v in model.state_dict().items())


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"objective": "elbo"}, "objective: expected an Objective, got 'elbo'"),
        ({"lr": "fast"}, "lr: expected a positive number, got fast"),
        ({"epochs": 2.5}, "epochs: expected an integer of at least 1, got 2.5"),
    ],
)
def test_wrong_types_are_refused_in_one_line(tmp_path, make, x, one_line, arguments, says):
    with pytest.raises((ValueError, TypeError)) as error:
        fit(make(), x, out=tmp_path / "run", **arguments)
    assert says in one_line(error)
    assert list(tmp_path.iterdir()) == []


def test_grey_values_under_a_bernoulli_warn_once_and_name_the_alternative(make, x):
    with pytest.warns(nelbo.errors.NelboWarning, match="continuous_bernoulli") as caught:
        fit(make(), x / 2, valid=x / 2, epochs=1)
    assert len(caught) == 2  # the training data and the validation data


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
    assert config["data"] == {"examples": 33, "validation_examples": None, "name": "mine"}
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
    assert "pass it again" in one_line(error)
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
