"""Where a decoder's output starts."""

import pytest
import torch
from torch import nn

from nelbo import registry
from nelbo.networks import OutputBias, start_at
from nelbo.rng import seeded
from tests.references import NETWORKS


@pytest.mark.parametrize("text", NETWORKS)
def test_every_networks_decoder_starts_where_it_is_told(text):
    output = torch.linspace(-3, 3, 6).reshape(1, 2, 3)
    with seeded(0):
        decoder = registry.build("network", text).make_decoder(3, (1, 2, 3))
        z = torch.randn(1000, 3)
    before = decoder(z)
    assert start_at(decoder, output)
    torch.testing.assert_close(decoder(z) - before, output.expand(1000, 1, 2, 3))


@pytest.mark.parametrize("text", [text for text in NETWORKS if not text.startswith("mlp")])
def test_first_outputs_hardly_depend_on_z(text):
    """Standard deviations over z stay below a fifth: 1 of the layer before, times 0.1."""
    with seeded(0):
        decoder = registry.build("network", text).make_decoder(3, (1, 2, 3))
        z = torch.randn(1000, 3)
    assert float(decoder(z).std(0).detach().max()) < 0.2


def test_an_output_bias_goes_before_a_linear_layer():
    decoder = nn.Sequential(OutputBias((2,)), nn.Linear(2, 2))
    before = decoder[1].bias.clone()
    assert start_at(decoder, torch.tensor([1.0, 2.0]))
    assert decoder[0].bias.tolist() == [1.0, 2.0]
    assert torch.equal(decoder[1].bias, before)


@pytest.mark.parametrize(
    "decoder",
    [
        nn.Identity(),
        nn.Linear(2, 4, bias=False),
        nn.Linear(2, 3),
        nn.Sequential(nn.Linear(2, 4), nn.Linear(4, 4, bias=False)),
        nn.Sequential(nn.Linear(2, 4), nn.Unflatten(1, (1, 2, 2)), nn.ConvTranspose2d(1, 1, 1)),
    ],
)
def test_a_decoder_without_such_a_bias_stays_as_it_is(decoder):
    before = [p.clone() for p in decoder.parameters()]
    fits = start_at(decoder, torch.ones(4))
    assert not fits
    assert all(torch.equal(a, b) for a, b in zip(decoder.parameters(), before, strict=True))
