"""The multilayer perceptron."""

import pytest
import torch
from torch import nn

from nelbo.errors import BadValue
from nelbo.networks import MLP
from nelbo.rng import seeded


def test_no_hidden_layer_makes_both_halves_affine():
    decoder = MLP(hidden=()).make_decoder(2, (3,)).double()
    with seeded(0):
        a, b = torch.randn(2, 1, 2, dtype=torch.float64)
    zero = torch.zeros(1, 2, dtype=torch.float64)
    torch.testing.assert_close(decoder(a + b), decoder(a) + decoder(b) - decoder(zero))


def test_the_decoder_has_the_sizes_in_reverse_and_ends_without_activation():
    layers = [m for m in MLP(hidden=(7, 5)).make_decoder(2, (3,)) if not isinstance(m, nn.Flatten)]
    sizes = [(m.in_features, m.out_features) for m in layers if isinstance(m, nn.Linear)]
    assert sizes == [(2, 5), (5, 7), (7, 3)]
    assert [type(m) for m in layers[-2:]] == [nn.Linear, nn.Unflatten]


def test_weights_start_as_chainers_do():
    """N(0, 1/fan_in): mean and variance of 200 x 300 weights within five standard errors."""
    with seeded(0):
        encoder = MLP(hidden=(300,)).make_encoder((200,), (2, 1))
    weight, n = encoder[1].weight.detach().double(), 200 * 300
    assert abs(float(weight.mean())) < 5 * (1 / 200 / n) ** 0.5
    assert abs(float(weight.var()) * 200 - 1) < 5 * (2 / n) ** 0.5
    assert not encoder[1].bias.any()


@pytest.mark.parametrize(
    ("name", "kind"), [("tanh", nn.Tanh), ("ReLU", nn.ReLU), ("SILU", nn.SiLU)]
)
def test_activations_go_by_their_name_in_any_case(name, kind):
    assert isinstance(MLP(hidden=(4,), activation=name).make_encoder((3,), (2, 1))[2], kind)


def test_two_hidden_layers_do_not_share_their_activation():
    encoder = MLP(hidden=(4, 4), activation="prelu").make_encoder((3,), (2, 1))
    assert encoder[2] is not encoder[4]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"hidden": (0,)}, r"hidden: expected positive integers, got \(0,\)"),
        ({"hidden": (5, -1)}, "hidden: expected positive integers"),
        ({"activation": "tahn"}, "Did you mean 'tanh'"),
        ({"activation": "threshold"}, "activation: expected one that takes each number by itself"),
        ({"activation": "glu"}, "activation: expected one that takes each number by itself"),
        ({"activation": "softmax"}, "activation: expected one that takes each number by itself"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(BadValue, match=message):
        MLP(**arguments)


@pytest.mark.usefixtures("unchecked")
def test_one_hidden_size_may_be_a_bare_number():
    assert MLP(hidden=500).hidden == (500,)
