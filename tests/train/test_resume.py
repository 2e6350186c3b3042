"""Interrupted anywhere and resumed, a run ends as if it had never stopped, bit for bit."""

import os
import signal
from contextlib import suppress
from dataclasses import asdict

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import nelbo
from nelbo.data import Examples
from nelbo.objectives import ELBO
from nelbo.objectives.schedules import Linear
from nelbo.rng import seeded
from nelbo.train import Interrupted, RunFolder
from nelbo.train.checkpoint import load_checkpoint

STEPS = 15  # 33 examples in batches of 7 are 5 steps, three epochs
GREY = torch.linspace(0, 1, 33 * 6).reshape(33, 1, 2, 3)[torch.arange(33) * 10 % 33]
BYTES = (255 * GREY).byte()


def _axes(likelihood):
    return {"likelihood": nelbo.registry.build("likelihood", likelihood)}


SCENES = {
    "binarised anew at every use": lambda: (
        _axes("bernoulli"),
        {"train": Examples(GREY, "dynamic_binarise")},
    ),
    "sigma in buffers, beta on a schedule, clipped": lambda: (
        _axes("gaussian:sigma=optimal"),
        {
            "train": GREY,
            "objective": ELBO(beta=Linear(steps=12)),
            "clip": 0.5,
        },
    ),
    "early stopping that waits": lambda: (
        _axes("gaussian:sigma=learned"),
        {
            "train": Examples(BYTES, "dequantise"),
            "valid": Examples(BYTES.flip(0)[:11], "dequantise"),
            "patience": 3,
        },
    ),
    "early stopping that stops": lambda: (
        _axes("gaussian:variance=0.1"),
        {"train": GREY, "valid": GREY[:9], "patience": 1, "lr": 5.0},
    ),
    "bfloat16 from a loader with its own order": lambda: (
        _axes("bernoulli"),
        {
            "train": torch.utils.data.DataLoader(
                torch.utils.data.TensorDataset(GREY.round()), batch_size=7, shuffle=True
            ),
            "precision": "bf16",
        },
    ),
}


def _run(make, out, scene, seed=0, callbacks=(), resume=False, epochs=3):
    axes, arguments = SCENES[scene]()
    if scene.startswith("bfloat16"):  # a loader, not the array inside it
        arguments["train"] = list(GREY.round().split(7))
    model = make(seed, **axes)
    chosen = {"epochs": epochs, "batch": 7, "seed": 3, "lr": 0.05, **arguments}
    return nelbo.fit(model, **chosen, out=out, resume=resume, callbacks=list(callbacks))


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    """Return a function that gives the folder and the run of a scene that nobody stopped."""
    done = {}

    def get(make, scene):
        if scene not in done:
            out = tmp_path_factory.mktemp("whole") / "run"
            done[scene] = out, _run(make, out, scene)
        return done[scene]

    return get


@pytest.fixture
def check_equal(same, lines_of):
    """Return a function that compares two runs: weights, checkpoints, metrics, history."""

    def check(out, run, whole, finished):
        same(run.model.state_dict(), finished.model.state_dict())
        assert lines_of(out) == lines_of(whole)
        newest, expected = RunFolder(out).checkpoints()[-1], RunFolder(whole).checkpoints()[-1]
        assert newest.name == expected.name
        (tensors, record), (tensors_, record_) = map(load_checkpoint, (newest, expected))
        same(tensors, tensors_)  # the optimiser's slots and the random states too
        for key in record.keys() - {"history", "seconds"}:
            assert record[key] == record_[key]
        same(nelbo.load(out).state_dict(), nelbo.load(whole).state_dict())

    return check


def _stopped_and_resumed(make, out, scene, stops):
    """Run a scene to its end through as many interruptions; each resumes in a fresh model."""
    for i, stop in enumerate(stops):
        with suppress(Interrupted):
            return _run(make, out, scene, seed=i, callbacks=[stop], resume=i > 0)
    return _run(make, out, scene, seed=99, resume=True)


@pytest.mark.parametrize("step", range(1, STEPS + 1))
def test_at_every_step(tmp_path, make, uninterrupted, check_equal, Stop, step):
    scene = "binarised anew at every use"
    run = _stopped_and_resumed(make, tmp_path / "run", scene, [Stop(step)])
    check_equal(tmp_path / "run", run, *uninterrupted(make, scene))


@pytest.mark.parametrize("scene", SCENES)
@settings(
    max_examples=3, suppress_health_check=[HealthCheck.function_scoped_fixture], print_blob=False
)
@given(steps=st.lists(st.integers(1, STEPS), min_size=1, max_size=3))
def test_several_times(tmp_path_factory, make, uninterrupted, check_equal, Stop, scene, steps):
    out = tmp_path_factory.mktemp("stopped") / "run"
    run = _stopped_and_resumed(make, out, scene, [Stop(step) for step in steps])
    check_equal(out, run, *uninterrupted(make, scene))


def test_the_scenes_are_what_they_say(make, uninterrupted):
    """The early stopping that stops does, before its epochs are over and not on its best."""
    _, stopped = uninterrupted(make, "early stopping that stops")
    _, waited = uninterrupted(make, "early stopping that waits")
    assert len(stopped.history) < 3
    assert len(waited.history) == 3


class _StopWhileRead(Examples):
    """Sends Ctrl-C while it is gone through for the n-th time."""

    def __init__(self, array, n):
        super().__init__(array)
        self.n = n

    def epoch(self, batch, order=None, skip=0):
        self.n -= 1
        for i, x in enumerate(super().epoch(batch, order, skip)):
            if self.n == 0 and i == 0:
                os.kill(os.getpid(), signal.SIGINT)
            yield x


@pytest.mark.parametrize("patience", [None, 2])
def test_during_validation(tmp_path, make, x, same, lines_of, patience):
    def run(out, n, seed=0, resume=False):
        valid = _StopWhileRead(x[:12], n)
        arguments = {"valid": valid, "patience": patience, "epochs": 3, "batch": 10}
        return nelbo.fit(
            make(seed), x, **arguments, out=tmp_path / out, resume=resume, callbacks=[]
        )

    whole = run("whole", n=99)
    with pytest.raises(Interrupted, match="Stopped after epoch 2; saved in"):
        run("stopped", n=3)  # the first time is the check before training
    resumed = run("stopped", n=99, seed=5, resume=True)
    same(resumed.model.state_dict(), whole.model.state_dict())
    assert lines_of(tmp_path / "stopped") == lines_of(tmp_path / "whole")


def test_a_run_stopped_before_its_first_step_goes_on_from_its_first_weights(
    tmp_path, make, x, same
):
    class Killed(Exception):
        pass

    class Kill(nelbo.train.Callback):
        def on_step(self, epoch, examples, means):
            raise Killed

    whole = nelbo.fit(make(0), x, epochs=2, callbacks=[])
    with pytest.raises(Killed):
        nelbo.fit(make(0), x, epochs=2, out=tmp_path / "run", callbacks=[Kill()])
    run = nelbo.fit(make(1), x, epochs=2, out=tmp_path / "run", resume=True, callbacks=[])
    same(run.model.state_dict(), whole.model.state_dict())


def test_more_epochs_are_the_longer_run_and_are_remembered(tmp_path, make, x, same, lines_of):
    whole = nelbo.fit(make(), x, epochs=4, out=tmp_path / "whole", callbacks=[])
    nelbo.fit(make(), x, epochs=2, out=tmp_path / "run", callbacks=[])
    run = nelbo.fit(make(1), x, epochs=4, out=tmp_path / "run", resume=True, callbacks=[])
    same(run.model.state_dict(), whole.model.state_dict())
    assert lines_of(tmp_path / "run") == lines_of(tmp_path / "whole")
    assert RunFolder(tmp_path / "run").config()["train"]["epochs"] == 4


def test_a_finished_run_is_left_as_it_is(tmp_path, make, x, same, snapshot):
    run = nelbo.fit(make(), x, epochs=2, out=tmp_path / "run", callbacks=[])
    before = snapshot(tmp_path / "run")
    again = nelbo.fit(make(1), x, epochs=2, out=tmp_path / "run", resume=True, callbacks=[])
    same(again.model.state_dict(), run.model.state_dict())
    assert snapshot(tmp_path / "run") == before
    assert again.history == run.history


def test_the_state_has_everything_that_a_checkpoint_records(tmp_path, make, x):
    nelbo.fit(make(), x, epochs=1, out=tmp_path / "run", callbacks=[])
    _, record = RunFolder(tmp_path / "run").newest()
    assert record.keys() == asdict(nelbo.train.state.State()).keys()


def test_noise_differs_from_epoch_to_epoch_and_order_too(make):
    """The property above would hold for a run that repeats itself: it does not."""
    seen = []

    class Keep(Examples):
        def epoch(self, batch, order=None, skip=0):
            for batch_ in super().epoch(batch, order, skip):
                seen.append(batch_.clone())
                yield batch_

    with seeded(0):
        data = torch.rand(10, 1, 2, 3)
    nelbo.fit(make(), Keep(data, "dynamic_binarise"), epochs=2, batch=10, callbacks=[])
    first, second = seen[-2:]
    assert not torch.equal(first.sort(0).values, second.sort(0).values)


def test_the_random_state_of_the_device_that_it_was_read_from_is_set(monkeypatch):
    seen = []
    monkeypatch.setattr(torch.cuda, "set_rng_state", lambda *arguments: seen.append(arguments))
    tensors = {"random/cpu": torch.get_rng_state(), "random/cuda": torch.zeros(16).byte()}
    for device in ("cpu", "cuda:1"):
        nelbo.train.state.restore_random(tensors, torch.device(device))
    assert seen == [(tensors["random/cuda"], torch.device("cuda:1"))]
