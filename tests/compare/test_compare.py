"""`compare` on a small part of MNIST, and on data that does not fit every loss."""

import dataclasses
import json
import math
import signal

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

import nelbo
from nelbo.compare import Settings, compare
from nelbo.compare.row import ALIVE
from nelbo.data import load
from nelbo.doctor.forecast.result import verdict as foretold
from nelbo.errors import BadValue
from nelbo.likelihoods import Gaussian
from nelbo.train import Callback, Interrupted

KEYS = ("bernoulli_nll", "mean_squared_error", "sum_squared_error", "learned_sigma")
ESTIMATES = {
    "elbo", "reconstruction", "kl", "importance_bound", "effective_sample_size", "active_units",
    "squared_error", "total_variance", "output_dependence", "explained_variance",
    "output_deviation",
}  # fmt: skip


def table(n=300, features=4, seed=0, scale=1.0):
    return (np.random.default_rng(seed).random((n, features)) * scale).astype(np.float32)


def measured(row):
    """All of a row that a clock does not touch."""
    history = [
        {k: v for k, v in line.items() if k not in ("seconds", "images_per_second")}
        for line in row.history
    ]
    tensors = (row.reconstructions.tolist(), row.samples.tolist())
    return (row.name, row.variance, row.margin, row.verdict, row.estimates, history, tensors)


def test_what_was_compared(compared, mnist):
    assert (compared.data, compared.data_shape, compared.features) == ("mnist", (1, 28, 28), 784)
    assert (compared.train_examples, compared.test_examples) == (600, 200)
    assert [row.key for row in compared.rows] == [*KEYS, "continuous_bernoulli"]
    assert compared.refused == ()
    assert compared.labels == tuple(range(10))
    shown = mnist.test.first_of_each_class(10)
    assert torch.equal(compared.originals, mnist.test[shown])


def test_the_spectrum_and_the_variance_are_those_of_the_data(compared, mnist):
    train, test = (part[:].flatten(1).double().numpy() for part in (mnist.train, mnist.test))
    expected = np.linalg.eigvalsh(np.cov(train, rowvar=False, bias=True))[::-1]
    assert_allclose(compared.spectrum[:50], expected[:50], rtol=1e-5)
    assert_allclose(compared.total_variance, test.var(0).sum(), rtol=1e-9)


def test_every_row_is_consistent(compared):
    for row in compared.rows:
        estimates = row.estimates
        assert set(estimates) == ESTIMATES
        assert all(math.isfinite(estimate.value) for estimate in estimates.values())
        assert {estimate.examples for estimate in estimates.values()} == {200}
        parts = estimates["reconstruction"].value - estimates["kl"].value
        assert_allclose(estimates["elbo"].value, parts, rtol=1e-9)
        bars = 5 * (estimates["elbo"].standard_error + estimates["importance_bound"].standard_error)
        assert estimates["importance_bound"].value > estimates["elbo"].value - bars
        assert len(estimates["kl"].parts) == len(estimates["active_units"].parts) == 3
        share = 1 - estimates["squared_error"].value / compared.total_variance
        assert_allclose(estimates["output_dependence"].value, share, rtol=1e-9)
        assert estimates["explained_variance"].value >= estimates["output_dependence"].value
        assert row.base_measure == estimates["importance_bound"].base_measure
        assert row.verdict == (
            "learns" if estimates["explained_variance"].value > ALIVE else "collapses"
        )
        assert row.forecast == foretold(row.margin)
        assert len(row.history) == 1
        assert row.seconds == row.history[0]["seconds"] > 0
        assert row.reconstructions.shape == row.samples.shape == (10, 1, 28, 28)
        assert not row.reconstructions.requires_grad
        assert bool(((row.samples >= 0) & (row.samples <= 1)).all())


def test_what_the_rows_believe(compared):
    bernoulli, averaged, summed, learned, continuous = compared.rows
    assert (averaged.variance, averaged.variance_source) == (pytest.approx(392.0), "stated")
    assert (summed.variance, summed.variance_source) == (pytest.approx(0.5), "stated")
    assert learned.variance_source == "learned"
    assert learned.variance != 1.0
    for row in (bernoulli, continuous):
        assert (row.variance, row.variance_source) == (None, None)
    assert averaged.forecast == "collapses"
    assert {row.forecast for row in compared.rows if row is not averaged} == {"learns"}
    assert_allclose(averaged.margin, compared.spectrum[0] / 392, rtol=1e-6)
    assert_allclose(summed.margin, compared.spectrum[0] / 0.5, rtol=1e-6)


def test_the_identities_hold_to_all_digits_shown(compared):
    """Both squared errors; the constant is 3061 nats, the averaged loss itself below 1."""
    assert [identity.name for identity in compared.identities] == [
        compared.rows[1].name,
        compared.rows[2].name,
    ]
    for identity in compared.identities:
        assert_allclose(identity.as_written, identity.from_nats, rtol=1e-10)
    assert [identity.variance for identity in compared.identities] == [392.0, 0.5]


def test_how_it_was_made(compared, mnist):
    made = compared.made
    assert made["checksum"] == mnist.checksum
    assert (made["seed"], made["latent"], made["epochs"], made["batch"]) == (0, 3, 1, 100)
    assert made["network"] == "mlp:hidden=(32,)"
    assert set(made["versions"]) == {"nelbo", "python", "torch", "numpy"}
    assert made["hardware"]["cores"] >= 1
    assert made["seconds"] > sum(row.seconds for row in compared.rows)
    json.dumps(made)


def test_again_gives_the_same(compared, mnist, quick, quiet):
    state = torch.get_rng_state()
    again = compare(mnist, quick, watch=quiet)
    assert torch.equal(torch.get_rng_state(), state)
    assert list(map(measured, again.rows)) == list(map(measured, compared.rows))
    assert again.identities == compared.identities


def test_without_a_folder_nothing_is_written(tmp_path, monkeypatch, quick, quiet):
    monkeypatch.chdir(tmp_path)
    compare(load(table()), quick, watch=quiet)
    assert list(tmp_path.iterdir()) == []


def test_standardised_data_refuses_the_losses_of_an_interval(quick, quiet):
    x = np.random.default_rng(0).normal(size=(300, 4)).astype(np.float32)
    found = compare(load(x), quick, watch=quiet)
    assert [row.key for row in found.rows] == list(KEYS[1:])
    assert [refused.name for refused in found.refused] == [
        "F.bernoulli_nll",
        "continuous_bernoulli",
    ]
    assert all("\n" not in refused.reason for refused in found.refused)
    assert all("link" not in row.likelihood for row in found.rows)
    assert [row.likelihood for row in found.rows][0] == "gaussian:variance=2"
    for identity in found.identities:
        assert_allclose(identity.as_written, identity.from_nats, rtol=1e-12)


def test_a_test_set_outside_the_interval_counts_too(quick, quiet):
    """The training set alone would let the Bernoulli in, and the test ELBO would be no ELBO."""
    data = load(table())
    wide = dataclasses.replace(data, test=load(table(scale=3.0)).test)
    found = compare(wide, quick, watch=quiet)
    assert [row.key for row in found.rows] == list(KEYS[1:])
    assert all("link" not in row.likelihood for row in found.rows)


def test_data_without_labels_that_is_no_image(quick, quiet):
    found = compare(load(table(n=60, features=5)), quick, watch=quiet)
    assert found.labels == ()
    assert found.originals.shape == (6, 5)  # a tenth is the test set
    assert found.rows[0].reconstructions.shape == (6, 5)
    assert found.rows[1].variance == pytest.approx(2.5)


def test_two_examples_are_enough(quick, quiet):
    found = compare(load(table(n=2)), quick, watch=quiet)
    assert len(found.rows) == 5
    assert math.isnan(found.rows[0].estimates["elbo"].standard_error)
    assert {row.verdict for row in found.rows} == {"collapses"}


def test_constant_data_collapses(quick, quiet):
    found = compare(load(np.full((100, 4), 0.5, np.float32)), quick, watch=quiet)
    assert {row.verdict for row in found.rows} == {"collapses"}
    assert {row.forecast for row in found.rows} == {"collapses"}
    assert found.total_variance == 0.0


def test_data_that_is_drawn_anew_is_the_same_each_time(quick, quiet):
    data, state = load(table(), transform="dynamic_binarise"), torch.get_rng_state()
    first, again = (compare(data, quick, watch=quiet) for _ in range(2))
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(first.originals, again.originals)
    assert list(map(measured, first.rows)) == list(map(measured, again.rows))


def two_blobs(n=1000):
    """Two points in the corners, some noise: one latent tells nearly everything."""
    random = np.random.default_rng(0)
    side = random.integers(0, 2, (n, 1))
    return (0.25 + 0.5 * side + 0.05 * random.normal(size=(n, 8))).clip(0, 1).astype(np.float32)


def test_trained_to_the_end_the_verdicts_are_the_forecasts(quiet):
    """lambda_1 = 8 * 0.0625 + 0.0025 = 0.5: below the averaged loss's variance 4, above none else
    but the summed loss's own 0.5, which is left out.
    """
    x = two_blobs()
    settings = Settings(latent=2, network=nelbo.networks.MLP(hidden=(16,)), epochs=20, lr=1e-2)
    rows = {row.key: row for row in compare(load(x), settings, watch=quiet).rows}
    assert rows["mean_squared_error"].verdict == rows["mean_squared_error"].forecast == "collapses"
    for key in ("bernoulli_nll", "learned_sigma", "continuous_bernoulli"):
        assert rows[key].verdict == rows[key].forecast == "learns"


class StopAt(Callback):
    """Press Ctrl-C, or fail, at a step."""

    def __init__(self, steps, error=None):
        self.left, self.error = steps, error

    def on_step(self, epoch, examples, means):
        self.left -= 1
        if self.left == 0 and self.error is not None:
            raise self.error
        if self.left == 0:
            signal.raise_signal(signal.SIGINT)


def stopping(key, *arguments):
    return lambda loss: [StopAt(*arguments)] if loss.key == key else []


@pytest.mark.parametrize("steps", [1, 3, 4])
def test_after_an_interruption_the_rows_are_those_of_an_undisturbed_one(tmp_path, quiet, steps):
    """Stopped in the third loss: within the first epoch, at its end, and in the second."""
    data, settings = load(table()), Settings(2, nelbo.networks.MLP(hidden=(8,)), epochs=2)
    expected = compare(data, settings, watch=quiet)
    with pytest.raises(Interrupted, match="saved in"):
        compare(data, settings, out=tmp_path, watch=stopping("sum_squared_error", steps))
    assert len(list((tmp_path / "runs").iterdir())) == 3
    found = compare(data, settings, out=tmp_path, resume=True, watch=quiet)
    assert list(map(measured, found.rows)) == list(map(measured, expected.rows))
    assert found.identities == expected.identities
    # and once more, when nothing is left to do
    again = compare(data, settings, out=tmp_path, resume=True, watch=quiet)
    assert list(map(measured, again.rows)) == list(map(measured, expected.rows))


def test_a_run_killed_in_its_first_step_begins_again(tmp_path, quick, quiet):
    data = load(table())
    killed = stopping("learned_sigma", 1, RuntimeError("the power is gone"))
    with pytest.raises(RuntimeError, match="the power is gone"):
        compare(data, quick, out=tmp_path, watch=killed)
    found = compare(data, quick, out=tmp_path, resume=True, watch=quiet)
    expected = compare(data, quick, watch=quiet)
    assert list(map(measured, found.rows)) == list(map(measured, expected.rows))


def test_another_setting_than_it_began_with_is_refused(tmp_path, quick, quiet):
    data = load(table())
    compare(data, quick, out=tmp_path, watch=quiet)
    other = dataclasses.replace(quick, batch=7)
    with pytest.raises(BadValue, match="expected batch = 100, as it began, got 7"):
        compare(data, other, out=tmp_path, resume=True, watch=quiet)
    with pytest.raises(BadValue, match="expected checksum"):
        compare(load(table(seed=1)), quick, out=tmp_path, resume=True, watch=quiet)


def test_there_is_nothing_to_go_on_with_without_a_folder(quick, quiet):
    with pytest.raises(BadValue, match="resume: expected the run's folder"):
        compare(load(table()), quick, resume=True, watch=quiet)


@pytest.mark.parametrize("wrong", [{"epochs": 0}, {"batch": 0}, {"lr": -1.0}, {"latent": 0}])
def test_a_wrong_setting_is_refused_and_nothing_written(tmp_path, quick, quiet, wrong):
    out = tmp_path / "out"
    with pytest.raises(BadValue):
        compare(load(table()), dataclasses.replace(quick, **wrong), out=out, watch=quiet)
    assert not out.exists()


def test_a_path_and_an_array_are_the_same(tmp_path, quick, quiet):
    np.save(tmp_path / "mine.npy", table())
    found = compare(str(tmp_path / "mine.npy"), quick, watch=quiet)
    expected = compare(load(table()), quick, watch=quiet)
    assert list(map(measured, found.rows)) == list(map(measured, expected.rows))
    assert "mine" in found.data


def test_the_likelihood_of_a_row_builds_what_was_trained(compared):
    built = nelbo.registry.build("likelihood", compared.rows[1].likelihood)
    assert isinstance(built, Gaussian)
    assert built.belief == compared.rows[1].belief
