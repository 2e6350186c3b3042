"""The recurrent network."""

import numpy as np
import pytest
import torch
from scipy.special import expit

import nelbo
from nelbo.errors import BadValue
from nelbo.networks import Sequence
from nelbo.rng import seeded


def gru(weights, x, h):
    """Return all states of a GRU: gates r and z, candidate n, as Cho et al. 2014."""
    w, u, b, c = weights
    states = []
    for step in x:
        (wr, wz, wn), (ur, uz, un) = np.split(w @ step + b, 3), np.split(u @ h + c, 3)
        r, z = expit(wr + ur), expit(wz + uz)
        h = z * h + (1 - z) * np.tanh(wn + r * un)
        states.append(h)
    return np.array(states)


def numpy(parameters):
    return [p.detach().numpy() for p in parameters]


def with_biases(network):
    """Return the network with no bias at 0, where it would say nothing."""
    for name, parameter in network.named_parameters():
        if "bias" in name:
            torch.nn.init.normal_(parameter)
    return network


def test_the_encoder_reads_in_both_directions():
    with seeded(0):
        encoder = with_biases(Sequence(state=3, time=-2).make_encoder((5, 2), (2, 4)).double())
        x = torch.randn(1, 5, 2, dtype=torch.float64)
    weights, steps = numpy(encoder.gru.parameters()), x[0].numpy()
    forwards = gru(weights[:4], steps, np.zeros(3))[-1]
    backwards = gru(weights[4:], steps[::-1], np.zeros(3))[-1]
    w, b = numpy(encoder.output.parameters())
    expected = w @ np.concatenate([forwards, backwards]) + b
    np.testing.assert_allclose(encoder(x).detach().numpy().ravel(), expected, rtol=1e-6)


def test_the_decoder_is_told_z_and_the_position_at_each_step():
    with seeded(0):
        decoder = with_biases(Sequence(state=3, time=-2).make_decoder(4, (5, 2)).double())
        z = torch.randn(1, 4, dtype=torch.float64)
    steps, given = decoder[0], z[0].numpy()
    (v, c), (u, a) = numpy(steps.input.parameters()), numpy(steps.first.parameters())
    inputs = v @ given + c + steps.position.detach().numpy()
    states = gru(numpy(steps.gru.parameters()), inputs, np.tanh(u @ given + a))
    expected = states @ steps.output.weight.detach().numpy().T + decoder[-1].bias.detach().numpy()
    np.testing.assert_allclose(decoder(z)[0].detach().numpy(), expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("time", "shape"),
    [(-1, (7,)), (-1, (2, 7)), (-2, (7, 2)), (-2, (1, 6, 5)), (-3, (6, 2, 3)), (-1, (1,))],
)
def test_time_may_be_any_dimension(time, shape):
    network = Sequence(state=3, time=time)
    for parameters in (shape, (2, *shape)):
        decoded = network.make_decoder(4, parameters)(torch.zeros(3, 4))
        assert decoded.shape == (3, *parameters)
    assert network.make_encoder(shape, (2, 4))(torch.zeros(3, *shape)).shape == (3, 2, 4)


def test_time_and_features_change_places_without_being_mixed():
    """A transposed example under the transposed network has the same posterior."""
    with seeded(0):
        rows = Sequence(state=3, time=-2).make_encoder((5, 2), (2, 4))
        columns = Sequence(state=3, time=-1).make_encoder((2, 5), (2, 4))
        x = torch.randn(3, 5, 2)
    columns.load_state_dict(rows.state_dict())
    torch.testing.assert_close(rows(x), columns(x.mT))


def test_steps_from_state_to_state_start_orthogonal_and_inputs_as_large_as_they_are():
    """Input weights N(0, 1/features), within five standard errors."""
    with seeded(0):
        gru_of_two = Sequence(state=64).make_encoder((50, 7), (2, 4)).double().gru
    for gate in gru_of_two.weight_hh_l0.detach().chunk(3):
        torch.testing.assert_close(gate @ gate.T, torch.eye(64).double(), atol=1e-5, rtol=0)
    weight = gru_of_two.weight_ih_l0_reverse.detach()
    assert abs(float(weight.var()) * 50 - 1) < 5 * (2 / weight.numel()) ** 0.5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"state": 0}, "state: expected an integer of at least 1, got 0. Try 256."),
        ({"time": 0}, r"time: expected a dimension counted from the last, such as -1, got 0."),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(BadValue, match=message):
        Sequence(**arguments)


def test_data_without_that_dimension_is_refused_when_the_model_is_built():
    message = r"data_shape for Sequence: expected at least 2 dimensions, for time=-2, got \[784\]"
    with pytest.raises(BadValue, match=message):
        nelbo.VAE((784,), 3, network=Sequence(time=-2))
