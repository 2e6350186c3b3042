"""The first tensor that is not finite: in inputs, parameters, and operations of any function."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from nelbo.doctor.nan_report import nan_report
from nelbo.errors import BadType


class Net(nn.Module):
    """What is broken lies in the third of its four steps, in no module of its own."""

    def __init__(self, wrong=None):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(3, 4), nn.ReLU())
        self.head, self.wrong = nn.Linear(4, 2), wrong

    def forward(self, x):
        h = self.body(x)
        if self.wrong is not None:
            h = self.wrong(h)
        return self.head(h).tanh()


def test_what_is_finite_has_no_report():
    assert nan_report(Net(), torch.randn(5, 3)) is None


def test_the_input_comes_first():
    x = torch.zeros(5, 3)
    x[3, 1] = math.inf
    model = Net()
    with torch.no_grad():
        model.head.bias.fill_(math.nan)
    report = nan_report(model, x)
    assert (report.kind, report.tensor, report.value, report.examples) == (
        "input",
        "the input",
        "inf",
        (3,),
    )
    assert report.share == pytest.approx(1 / 15)


def test_then_the_first_parameter_by_name():
    model = Net()
    with torch.no_grad():
        model.body[0].bias[1] = math.nan
        model.head.weight.fill_(math.nan)
    report = nan_report(model, torch.zeros(5, 3))
    assert (report.kind, report.tensor, report.share) == ("parameter", "body.0.bias", 0.25)


@pytest.mark.parametrize(
    ("wrong", "operation"),
    [
        (lambda h: (h * 1e30).exp(), "exp"),
        (lambda h: (-h - 1).log(), "log"),
        (lambda h: (-h - 1).sqrt(), "sqrt"),
        (lambda h: h / (h - h), "div"),
    ],
)
def test_then_the_first_operation_with_its_module_and_examples(wrong, operation):
    model = Net(wrong).eval()
    with torch.no_grad():
        model.body[0].weight.fill_(1.0)
        model.body[0].bias.zero_()
    x = torch.tensor([[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]])
    report = nan_report(model, x)
    assert report.kind == "activation"
    assert report.tensor == f"{operation} in Net"
    assert report.examples in ((1,), (0, 1))
    assert report.fix


def test_an_operation_inside_a_module_is_called_by_its_path():
    class Exp(nn.Module):
        def forward(self, x):
            return x.exp()

    model = nn.ModuleDict({"decoder": nn.Sequential(nn.Linear(3, 2), Exp())})
    with torch.no_grad():
        model["decoder"][0].bias.fill_(1e3)
    report = nan_report(lambda x: model["decoder"](x), torch.zeros(2, 3), modules=[model])
    assert report.tensor == "exp in decoder.1 (Exp)"


def test_the_examples_are_those_of_the_first_operation():
    x = torch.tensor([[1.0], [4.0], [-1.0], [9.0], [-5.0]])
    report = nan_report(lambda x: x.sqrt().sum(), x)
    assert (report.tensor, report.value, report.examples) == ("sqrt", "nan", (2, 4))


@pytest.mark.parametrize(
    ("wrong", "operation"),
    [
        (lambda x: x.mul(1000).exp_().sum(), "exp"),
        (lambda x: x.clone().div_(x - x).sum(), "div"),
        (lambda x: x.clone().mul_(2).add(1).log_(), None),
    ],
)
def test_operations_that_write_over_their_input(wrong, operation):
    report = nan_report(wrong, torch.ones(3, 2))
    assert (report and report.tensor) == operation


def test_constants_and_uninitialised_memory_are_no_mistakes():
    def masked(x):
        scores = x.masked_fill(x < 0, -math.inf)
        room = torch.empty(1000, 1000).fill_(math.nan)
        return scores.softmax(1) + 0 * room.nan_to_num().sum()

    report = nan_report(masked, torch.randn(4, 5).abs() * torch.tensor([1, -1, 1, 1, 1]))
    assert report is None


def test_a_loss_is_a_function_too():
    def loss(x):
        return F.binary_cross_entropy(torch.sigmoid(x * 1e3), (x > 0).float()).log()

    report = nan_report(loss, torch.ones(3, 2))
    assert (report.tensor, report.value) == ("log", "-inf")
    assert "Keep log away from 0" in report.fix


def test_the_model_stays_as_it_was():
    model = nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.5), nn.BatchNorm1d(3)).train()
    before = {name: t.clone() for name, t in model.state_dict().items()}
    state = torch.get_rng_state()
    nan_report(lambda x: model(x), torch.ones(2, 3))
    assert torch.equal(torch.get_rng_state(), state)
    assert model.training
    for name, t in model.state_dict().items():
        assert torch.equal(t, before[name]), name
    assert all(p.grad is None for p in model.parameters())
    assert not nn.modules.module._global_forward_hooks
    assert not nn.modules.module._global_forward_pre_hooks


def test_what_is_no_function(unchecked):
    with pytest.raises(BadType, match="nan_report: expected a function, got 3"):
        nan_report(3, torch.ones(1))


def test_an_error_of_the_function_is_the_functions_own():
    with pytest.raises(ZeroDivisionError):
        nan_report(lambda x: x * (1 / 0), torch.ones(1))
    assert not nn.modules.module._global_forward_hooks
