"""What the convolutional networks have in common: exact sizes, refusals, independent examples."""

import pytest
import torch
from torch import nn

import nelbo
from nelbo.errors import BadValue
from nelbo.networks import Conv, OutputBias, Residual
from nelbo.rng import seeded

KINDS = [Conv, Residual]


@pytest.mark.parametrize(
    "shape",
    [(1, 28, 28), (3, 32, 32), (1, 28, 20), (3, 64, 64), (1, 4, 5), (2, 7, 31), (9, 6), (1, 4, 4)],
)
@pytest.mark.parametrize("kind", KINDS)
def test_images_of_any_size_come_back_in_their_size(kind, shape):
    network = kind(channels=(2, 3), hidden=(4,))
    decoded = network.make_decoder(5, shape)(torch.zeros(6, 5))
    assert decoded.shape == (6, *shape)
    assert network.make_encoder(shape, (2, 5))(decoded).shape == (6, 2, 5)


@pytest.mark.parametrize("parameters", [(7,), (2, 5), (3, 5, 5), (2, 1, 9, 8)])
@pytest.mark.parametrize("kind", KINDS)
def test_an_encoder_gives_parameters_of_any_shape(kind, parameters):
    encoder = kind(channels=(2,), hidden=(4,)).make_encoder((1, 9, 8), parameters)
    assert encoder(torch.zeros(6, 1, 9, 8)).shape == (6, *parameters)


@pytest.mark.parametrize("shape", [(2, 3, 9, 8), (4, 2, 3, 9, 8)])
@pytest.mark.parametrize("kind", KINDS)
def test_a_decoder_gives_several_parameters_a_feature(kind, shape):
    decoder = kind(channels=(2,), hidden=(4,)).make_decoder(5, shape)
    assert decoder(torch.zeros(6, 5)).shape == (6, *shape)


@pytest.mark.parametrize(("dimensions", "shape"), [(1, (11,)), (1, (3, 50)), (3, (1, 5, 4, 7))])
@pytest.mark.parametrize("kind", KINDS)
def test_series_and_volumes(kind, dimensions, shape):
    network = kind(channels=(2, 3), hidden=(4,), dimensions=dimensions)
    decoded = network.make_decoder(5, shape)(torch.zeros(6, 5))
    assert decoded.shape == (6, *shape)
    assert network.make_encoder(shape, (2, 5))(decoded).shape == (6, 2, 5)


@pytest.mark.parametrize("kind", KINDS)
def test_an_example_does_not_see_the_others_of_its_batch(kind):
    with seeded(0):
        encoder = kind(channels=(2, 3), hidden=(4,)).make_encoder((1, 9, 8), (2, 5)).double()
        x = torch.rand(6, 1, 9, 8, dtype=torch.float64)
    torch.testing.assert_close(encoder(x)[2:3], encoder(x[2:3]))


@pytest.mark.parametrize("kind", KINDS)
def test_every_pixel_of_the_output_hangs_on_z(kind):
    with seeded(0):
        decoder = kind(channels=(2, 3), hidden=(4,)).make_decoder(5, (1, 7, 9)).double()
        z = torch.randn(50, 5, dtype=torch.float64)
    assert bool((decoder(z).std(0) > 1e-6).all())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"channels": ()}, "channels: expected a level, got none"),
        ({"channels": (4, 0)}, r"channels: expected positive integers, got \(4, 0\)"),
        ({"hidden": (-1,)}, "hidden: expected positive integers"),
        ({"activation": "reluu"}, "Did you mean 'relu'"),
        ({"dimensions": 4}, "dimensions: expected 1, 2 or 3, got 4. Images have 2."),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_bad_arguments(kind, arguments, message):
    with pytest.raises(BadValue, match=message):
        kind(**arguments)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        (
            (784,),
            r"data_shape for Conv: expected at least 2 dimensions, such as \[C, H, W\] of images, "
            r"got \[784\]. Reshape the data. Use the network 'mlp', which takes any shape.",
        ),
        (
            (1, 3, 28),
            r"channels for Conv: expected at most 1 for sizes that are halved from \[1, 3, 28\], "
            r"got \(32, 64\). Try \(32,\).",
        ),
        ((1, 1, 28), "expected at most 0 .* Use the network 'mlp'"),
    ],
)
def test_data_that_does_not_fit_is_refused_when_the_model_is_built(shape, message):
    with pytest.raises(BadValue, match=message):
        nelbo.VAE(shape, 3, network=Conv())


@pytest.mark.parametrize("kind", KINDS)
def test_the_last_layer_has_one_bias_an_output_and_no_other(kind):
    decoder = kind(channels=(2,), hidden=(4,)).make_decoder(5, (3, 8, 8))
    assert isinstance(decoder[-1], OutputBias)
    assert decoder[-1].bias.shape == (3, 8, 8)
    last = [m for m in decoder.modules() if isinstance(m, nn.ConvTranspose2d)][-1]
    assert last.bias is None


@pytest.mark.usefixtures("unchecked")
def test_one_level_may_be_a_bare_number():
    network = Conv(channels=8, hidden=16)
    assert (network.channels, network.hidden) == ((8,), (16,))
