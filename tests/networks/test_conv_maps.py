"""The network between pictures and levels of maps: what is where, and what is refused."""

import pytest
import torch
from numpy.testing import assert_allclose

import nelbo
from nelbo.errors import BadValue
from nelbo.networks import ConvMaps
from nelbo.rng import seeded

LEVELS = ((2, 2, 2), (3, 4, 4))
LATENT = 8 + 48


def network(levels=LEVELS, channels=(4,)):
    return ConvMaps(levels=levels, channels=channels)


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32), (1, 28, 20), (2, 7, 31), (9, 6)])
@pytest.mark.parametrize("levels", [LEVELS, ((1, 1, 2), (1, 3, 3), (2, 9, 5)), ((56, 1, 1),)])
def test_pictures_of_any_size_come_back_in_their_size(shape, levels):
    built, latent = network(levels), sum(c * h * w for c, h, w in levels)
    decoded = built.make_decoder(latent, shape)(torch.zeros(6, latent))
    assert decoded.shape == (6, *shape)
    assert built.make_encoder(shape, (3, latent))(decoded).shape == (6, 3, latent)


def test_an_example_does_not_see_the_others_of_its_batch():
    with seeded(0):
        encoder = network().make_encoder((1, 9, 8), (2, LATENT)).double()
        decoder = network().make_decoder(LATENT, (1, 9, 8)).double()
        x = torch.rand(6, 1, 9, 8, dtype=torch.float64)
    z = encoder(x)[:, 0]
    torch.testing.assert_close(z[2:3], encoder(x[2:3])[:, 0])
    torch.testing.assert_close(decoder(z)[2:3], decoder(z[2:3]))


# one halving, a block and a last layer see 2 + 4 * 3 + ... pixels: a corner, not the whole
def test_parameters_of_a_place_are_of_the_pixels_there():
    level = (3, 16, 16)
    with seeded(0):
        encoder = network((level,)).make_encoder((1, 32, 32), (2, 3 * 256)).double()
        x = torch.rand(1, 1, 32, 32, dtype=torch.float64, requires_grad=True)
    maps = encoder(x).unflatten(-1, level)
    for row, column in ((0, 0), (15, 3), (8, 15)):
        (seen,) = torch.autograd.grad(maps[..., row, column].sum(), x, retain_graph=True)
        places = seen[0, 0].nonzero()
        assert len(places) > 0
        assert int((places - torch.tensor([2 * row, 2 * column])).abs().max()) <= 8


def test_a_latent_paints_around_its_place():
    level = (3, 16, 16)
    with seeded(0):
        decoder = network((level,)).make_decoder(3 * 256, (1, 32, 32)).double()
        z = torch.randn(1, 3 * 256, dtype=torch.float64)
    for channel, row, column in ((0, 0, 0), (2, 15, 3), (1, 8, 15)):
        moved = z.clone().unflatten(-1, level)
        moved[0, channel, row, column] += 1
        places = (decoder(moved.flatten(1)) - decoder(z))[0, 0].nonzero()
        assert len(places) > 0
        assert int((places - torch.tensor([2 * row, 2 * column])).abs().max()) <= 9


def test_every_latent_counts_and_every_parameter_learns():
    with seeded(0):
        encoder = network().make_encoder((1, 8, 8), (2, LATENT))
        decoder = network().make_decoder(LATENT + 2, (1, 8, 8))
        z = torch.randn(5, LATENT + 2, requires_grad=True)
    parameters = encoder(decoder(z))
    parameters.square().sum().backward()
    assert z.grad is not None
    assert bool((z.grad != 0).any(0).all())
    for half in (encoder, decoder):
        for name, parameter in half.named_parameters():
            assert parameter.grad is not None, name
            assert bool(parameter.grad.any()), name


@pytest.mark.parametrize("covariates", [0, 3])
@pytest.mark.parametrize("maps", [True, False])
def test_it_is_trained_saved_and_loaded(maps, covariates, tmp_path):
    parts = {
        "prior": nelbo.priors.TopDownMaps(LEVELS, hidden=4),
        "posterior": nelbo.posteriors.ResidualMaps(LEVELS, features=2),
    }
    with seeded(0):
        x = torch.rand(60, 1, 8, 8).round()
        model = nelbo.VAE(
            (1, 8, 8), LATENT, network(), covariates=covariates, **(parts if maps else {})
        )
    if covariates:
        x = nelbo.data.beside(x, torch.eye(3)[torch.arange(60) % 3])
    nelbo.fit(model, x, epochs=1, batch=20, out=tmp_path / "run", callbacks=[])
    loaded = nelbo.load(tmp_path / "run")
    assert loaded.spec() == model.spec()
    with seeded(0):
        before = model.terms(x).log_w
    with seeded(0):
        assert_allclose(loaded.terms(x).log_w.detach(), before.detach(), rtol=1e-6)
    assert loaded.sample(4, seed=0).shape == (4, 1, 8, 8)


@pytest.mark.parametrize("parameters", [(56,), (7,), (2, 57), (3, 56, 2), (5, 56)])
def test_an_encoder_gives_parameters_of_any_shape(parameters):
    with seeded(0):
        encoder = network().make_encoder((1, 9, 8), parameters)
        x = torch.randn(6, 1, 9, 8, requires_grad=True)
    output = encoder(x)
    assert output.shape == (6, *parameters)
    (gradient,) = torch.autograd.grad(output.square().sum(), x)
    assert bool(gradient.any())


@pytest.mark.parametrize("posterior", ["deterministic", "full_covariance", "iaf", "planar"])
@pytest.mark.parametrize("latent", [LATENT, LATENT + 3])
def test_any_posterior_goes_with_it(posterior, latent):
    model = vae(latent, posterior=nelbo.registry.build("posterior", posterior))
    with seeded(0):
        terms = model.terms(torch.rand(3, 1, 8, 8).round())
    terms.log_px.sum().backward()
    assert all(p.grad is not None for p in model.decoder.parameters())


def vae(latent=LATENT, data_shape=(1, 8, 8), **parts):
    return nelbo.VAE(data_shape, latent, network(), **parts)


@pytest.mark.parametrize(
    ("build", "text"),
    [
        (lambda: ConvMaps(levels=((4, 8, 8), (4, 4, 4))), "The top stands first"),
        (lambda: ConvMaps(channels=()), r"Try \(32, 64\)"),
        (lambda: ConvMaps(activation="sulu"), "silu"),
        (lambda: vae(latent=20), "Set latent=56, or smaller levels"),
        (lambda: vae(data_shape=64), "'mlp', which takes any shape"),
        (lambda: vae(data_shape=(1, 1, 8)), "'mlp', which takes any shape"),
        (lambda: network().make_decoder(20, (1, 8, 8)), "Set latent=56"),
    ],
)
def test_what_does_not_fit_is_refused(build, text):
    with pytest.raises(BadValue, match=text):
        build()
