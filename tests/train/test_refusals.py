"""What `fit` refuses before any work."""

import math

import pytest
import torch

import nelbo
from nelbo.errors import BadValue
from nelbo.objectives import ELBO
from nelbo.objectives.schedules import Linear
from tests.train.running import fit


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
        ({"seed": -1}, "seed: expected an integer from 0 to 2**63 - 1, got -1"),
        ({"seed": 2**63}, "seed: expected an integer from 0"),
        ({"seed": True}, "seed: expected an integer from 0 to 2**63 - 1, got True"),
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
