"""Several processes, started for real: they are one run, whoever of them is killed."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import psutil
import pytest
import torch

import nelbo
from nelbo.cli.app import run as command
from nelbo.train import RunFolder
from tests.train import distributed_runs as runs

TORCHRUN = ("torch.distributed.run", "--standalone", "--nproc-per-node")
ACCELERATE = (
    "accelerate.commands.launch", "--use_fsdp", "--fsdp_version", "2", "--fsdp_min_num_params",
    "20", "--fsdp_auto_wrap_policy", "SIZE_BASED_WRAP", "--num_machines", "1", "--dynamo_backend",
    "no", "--mixed_precision", "no", "--num_processes",
)  # fmt: skip
TRAIN = ("--latent", "2", "--hidden", "6", "--batch", "20", "--patience", "100000")


def launch(processes, *words, launcher=TORCHRUN):
    """Start a launcher, its output in a pipe."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "200"}
    environment = {n: v for n, v in environment.items() if n not in ("RANK", "WORLD_SIZE")}
    return subprocess.Popen(
        [sys.executable, "-m", *launcher, str(processes), *map(str, words)],
        env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def finished(process, code=0):
    """Return all that was said by a launcher that ended as it should."""
    said, _ = process.communicate(timeout=120)
    assert (process.returncode == 0) == (code == 0), said
    return said


def wait_for(process, condition):
    """Wait until something is so while a launcher runs."""
    for _ in range(1200):
        if condition():
            return
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.05)
    raise AssertionError("waited for a minute")


def lines(folder):
    """Return how many epochs a run has finished."""
    path = folder / "metrics.jsonl"
    return len(path.read_text().splitlines()) if path.exists() else 0


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """What two processes saw in one launch, and their folder."""
    folder = tmp_path_factory.mktemp("both")
    finished(launch(2, runs.__file__, "main", folder))
    ranks = [json.loads((folder / f"rank{rank}.json").read_text()) for rank in (0, 1)]
    return *ranks, folder


@pytest.fixture(scope="module")
def alone():
    """The model and the run that two processes trained, trained by this one."""
    model = runs.make()
    return model, runs.fit(model, runs.data(23))


def test_the_gradient_of_several_is_that_of_one(both):
    for rank in both[:2]:
        assert (rank["rank"], rank["size"]) == (both.index(rank), 2)
        for apart in rank["gradients"].values():  # of batches of 10, 3 and 1
            assert max(apart.values()) < 1e-6


@pytest.mark.parametrize("n", [23, 21])
def test_every_example_is_seen_once_an_epoch_in_the_order_of_one_process(both, n):
    shares = [rank[f"drawn of {n}"] for rank in both[:2]]
    batches = [sum(rows, []) for rows in zip(*shares, strict=True)]
    assert [len(rows) for rows in batches] == [10, 10, n - 20]
    expected = nelbo.data.Examples(runs.data(n)).index_batches(10, nelbo.rng.generator(0, 0))
    assert batches == [rows.tolist() for rows in expected]


def test_several_train_the_weights_and_measure_the_numbers_of_one(both, alone):
    model, run = alone
    assert_same_run(both[0], model, run.history)


def test_batches_of_any_size_count_as_what_they_are(both):
    run = runs.fit(runs.make(), runs.batches(), valid=None)
    assert_same_weights(both[0]["irregular"], run.model)


def assert_same_weights(found, model):
    """Assert that weights are those of one process."""
    for name, tensor in model.state_dict().items():
        assert torch.allclose(torch.tensor(found[name]), tensor, atol=1e-5), name


def assert_same_run(found, model, history):
    """Assert that weights and metrics are those of the run of one process."""
    assert_same_weights(found["tensors"], model)
    for line, expected in zip(found["history"], history, strict=True):
        for name, value in expected.items():
            if name not in ("seconds", "images_per_second"):
                assert line[name] == pytest.approx(value, rel=1e-5, abs=1e-5), name


def test_all_agree_on_metrics_weights_and_early_stopping(both):
    first, second, _ = both
    for name in ("history", "weights", "stopped", "best", "estimates", "refused"):
        assert first[name] == second[name], name
    assert first["stopped"] < 30


def test_all_train_the_same_critic(both):
    one, other, _ = both
    assert one["judged"] == other["judged"]
    assert one["judged"][1] != one["unjudged"]


def test_only_the_first_writes(both):
    first, second, folder = both
    assert len(first["writes"]) > 10
    assert second["writes"] == []
    assert len(RunFolder(folder / "whole").checkpoints()) == 2


def test_a_resumed_run_of_two_is_the_uninterrupted_one_bit_for_bit(both):
    assert both[0]["resumed"] == both[0]["uninterrupted"]


def test_each_draws_its_own_noise(both):
    tensors, _ = RunFolder(both[2] / "parts").newest()
    assert not torch.equal(tensors["random/cpu"], tensors["random/1/cpu"])


def test_estimates_of_several_are_those_of_one(both):
    found, quiet = dict(both[0]["estimates"]), runs.make()
    quiet.load_state_dict({n: torch.tensor(t) for n, t in both[0]["tensors"].items()})
    few = nelbo.evaluate(quiet, runs.data(1), [runs.ELBO()])
    assert found.pop("one") == pytest.approx(few["elbo"].value, rel=1e-6)
    for name, e in nelbo.evaluate(quiet, runs.data(23), runs.ESTIMATORS).items():
        expected = [e.value, e.standard_error, e.examples, *e.parts]
        assert found[name] == pytest.approx(expected, rel=1e-6, abs=1e-9), name


def test_a_refusal_of_the_first_is_raised_by_all(both):
    assert "expected a new or empty folder" in both[1]["refused"]


def test_weights_gradients_and_moments_in_parts_train_the_same(tmp_path):
    finished(launch(2, runs.__file__, "sharded", tmp_path, launcher=ACCELERATE))
    first, second = (json.loads((tmp_path / f"sharded{r}.json").read_text()) for r in (0, 1))
    model = runs.make()
    run = runs.fit(model, runs.data(21))
    assert first["kind"] == "Sharded"
    for apart in first["gradients"].values():
        assert max(apart.values()) < 1e-6
    assert_same_run(first, model, run.history)
    assert (first["history"], first["tensors"]) == (second["history"], second["tensors"])


def test_a_run_that_is_stopped_and_killed_goes_on_with_any_number(tmp_path):
    rng = np.random.default_rng(0)
    path, out = tmp_path / "tiny.npy", tmp_path / "run"
    np.save(path, (255 * (rng.random((60, 1, 8, 8)) > 0.5)).astype(np.uint8))
    _stopped(path, out)
    _killed(out)
    epochs = lines(out) + 2
    said = finished(launch(3, "-m", "nelbo", "train", "--resume", out, "--epochs", epochs))
    assert said.count(f"epoch {epochs}/{epochs}") == 1
    assert said.count("written. Next: nelbo evaluate") == 1
    assert command(["train", "--resume", str(out), "--epochs", str(epochs + 1)]) == 0
    metrics = (out / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in metrics] == [*range(1, epochs + 2)]
    assert RunFolder(out).config()["processes"] == 1
    _evaluated(out)


def _stopped(path, out):
    """Ctrl-C: all stop after the same step, and the first saves."""
    process = launch(
        2, "-m", "nelbo", "train", path, *TRAIN, "--epochs", 100000, "--out", out, "--device", "cpu"
    )
    wait_for(process, lambda: lines(out) > 1)
    process.send_signal(signal.SIGINT)
    said = finished(process, code=1)
    assert said.count("Stopped ") == 1, said
    assert said.count(f"Go on with: nelbo train --resume {out}") == 1
    tensors, record = RunFolder(out).newest()
    assert record["batches"] > 0 or record["epoch"] == lines(out)
    assert {"random/cpu", "random/1/cpu"} <= tensors.keys()


def _killed(out):
    """SIGKILL of one: all end, with an error, and what was saved is whole."""
    process = launch(2, "-m", "nelbo", "train", "--resume", out)
    before = lines(out)
    wait_for(process, lambda: lines(out) > before + 1)
    workers = psutil.Process(process.pid).children()
    (second,) = [w for w in workers if w.environ().get("RANK") == "1"]
    os.kill(second.pid, signal.SIGKILL)
    said = finished(process, code=1)
    assert "Signal 9 (SIGKILL)" in said
    assert "by peer" not in said, said  # no traceback of the other one
    RunFolder(out).newest()  # raises where it is damaged


def _evaluated(out):
    """What does not depend on noise is the same to 1e-6, the rest within its standard error."""
    said = finished(launch(2, "-m", "nelbo", "evaluate", out, "--samples", 5, "--json"))
    several = json.loads(said[said.index("{\n") :])
    model, test = nelbo.load(out), nelbo.data.load(out.parent / "tiny.npy").test
    names = [runs.ELBO(), runs.KLPerLatent(), runs.ActiveUnits(), runs.OutputDependence()]
    for name, expected in nelbo.evaluate(model, test, names).items():
        found, is_noisy = several[name], name in ("elbo", "reconstruction")
        error = expected.standard_error if is_noisy else 1e-6 * abs(expected.value) + 1e-9
        assert abs(found["value"] - expected.value) <= 4 * error, name
        assert found["examples"] == len(test)


def test_bad_input_is_said_once(tmp_path):
    said = finished(launch(2, "-m", "nelbo", "train", tmp_path / "none.npy"), code=2)
    assert said.count("error ") == 1, said
    assert "none.npy" in said


def test_alone_nothing_of_it_is_imported():
    code = """
import sys, nelbo, torch
print("accelerate" in sys.modules)
nelbo.fit(nelbo.VAE((2,), 1), torch.ones(9, 2), epochs=1, callbacks=[])
print("accelerate" in sys.modules)
"""
    environment = {n: v for n, v in os.environ.items() if n not in ("RANK", "WORLD_SIZE")}
    said = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert said.stdout == "False\nFalse\n"
