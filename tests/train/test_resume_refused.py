"""What cannot be resumed is refused by name, and nothing is touched."""

from contextlib import suppress

import pytest
import torch

import nelbo
from nelbo.data import Examples
from nelbo.objectives import ELBO
from nelbo.train import Interrupted, RunFolder


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"batch": 11}, "expected batch = 10, as it began, got 11"),
        ({"lr": 0.1}, "expected lr = 0.001, as it began, got 0.1"),
        ({"seed": 1}, "expected seed = 0, as it began, got 1"),
        ({"clip": 1.0}, "expected clip = None, as it began, got 1.0"),
        ({"precision": "bf16"}, "expected precision = fp32, as it began, got bf16"),
        ({"objective": ELBO(beta=2.0)}, "expected objective = elbo, as it began, got elbo:beta=2."),
        ({"valid": torch.ones(5, 1, 2, 3)}, "expected validation_examples = None, as it began"),
        ({"train": torch.ones(20, 1, 2, 3)}, "expected examples = 33, as it began, got 20"),
        (
            {"likelihood": nelbo.likelihoods.Gaussian(variance=1.0)},
            "expected likelihood = bernoulli, as it began, got gaussian:variance=1.",
        ),
    ],
)
def test_another_setting_is_refused_by_name(tmp_path, make, x, snapshot, changed, says):
    out = tmp_path / "run"
    nelbo.fit(make(), x, epochs=1, batch=10, out=out, callbacks=[])
    before = snapshot(out)
    axes = {key: changed[key] for key in changed if key == "likelihood"}
    arguments = {"train": x, "batch": 10, "epochs": 2, **changed}
    arguments.pop("likelihood", None)
    with pytest.raises(ValueError, match="resuming") as error:
        nelbo.fit(make(**axes), **arguments, out=out, resume=True, callbacks=[])
    assert says in str(error.value)
    assert snapshot(out) == before


def test_other_modules_are_refused(tmp_path, make, x):
    def model(hidden):
        own = nelbo.networks.Modules(
            torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(6, hidden), torch.nn.Tanh(),
                                torch.nn.Linear(hidden, 4)),
            torch.nn.Linear(2, 6),
        )  # fmt: skip
        return nelbo.VAE((1, 2, 3), 2, network=own)

    nelbo.fit(model(3), x, epochs=1, out=tmp_path / "run", callbacks=[])
    with pytest.raises(ValueError, match="weights: expected those of the model in config.json"):
        nelbo.fit(model(5), x, epochs=2, out=tmp_path / "run", resume=True, callbacks=[])


@pytest.mark.parametrize("stop", [None, 6])
def test_fewer_epochs_than_were_begun_are_refused(tmp_path, make, x, snapshot, Stop, stop):
    out = tmp_path / "run"
    with suppress(Interrupted):
        callbacks = [] if stop is None else [Stop(stop)]
        nelbo.fit(make(), x, batch=10, epochs=2, out=out, callbacks=callbacks)
    before = snapshot(out)
    with pytest.raises(ValueError, match="epochs: expected at least the 2 that .* begun, got 1"):
        nelbo.fit(make(), x, batch=10, epochs=1, out=out, resume=True, callbacks=[])
    assert snapshot(out) == before


class _Unregistered(nelbo.data.Scale):
    pass


@pytest.mark.parametrize("own", [_Unregistered(), None])
def test_other_data_of_the_same_size_are_refused(tmp_path, make, x, snapshot, own):
    def run(train, valid, **arguments):
        valid = Examples(valid, own)
        nelbo.fit(make(), train, valid=valid, out=tmp_path / "run", callbacks=[], **arguments)

    run(Examples(x, own), x[:9], epochs=1)
    before = snapshot(tmp_path / "run")
    changed = x.clone()
    changed[-1, 0, 0, 0] = 1 - changed[-1, 0, 0, 0]
    for train, valid in (
        (Examples(changed, own), x[:9]),
        (Examples(x, "dynamic_binarise"), x[:9]),
        (Examples(x, own), changed[-9:]),
    ):
        with pytest.raises(ValueError, match="fingerprint = .*Pass the same data, or start a new"):
            run(train, valid, epochs=2, resume=True)
    assert snapshot(tmp_path / "run") == before
    run(Examples(x.clone(), own), x[:9].clone(), epochs=2, resume=True)


def test_a_checksum_stands_for_the_fingerprint(tmp_path, make, x):
    about = {"checksum": "sha256:12ab"}
    nelbo.fit(make(), x, epochs=1, out=tmp_path / "run", callbacks=[], about=about)
    assert "fingerprint" not in RunFolder(tmp_path / "run").config()["data"]
    nelbo.fit(make(), x, epochs=2, out=tmp_path / "run", resume=True, callbacks=[])
