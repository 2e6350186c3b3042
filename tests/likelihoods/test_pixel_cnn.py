"""PixelCNN: every image has a mass, what comes before is seen, and nothing else."""

import itertools

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy import stats
from scipy.special import expit

import nelbo
from nelbo import registry
from nelbo.errors import BadType, BadValue
from nelbo.likelihoods import (
    Bernoulli,
    Categorical,
    Columns,
    DiscretizedLogistic,
    DiscretizedLogisticMixture,
    Gaussian,
    PixelCNN,
)
from nelbo.rng import seeded
from nelbo.train.foretold import foretold
from tests.likelihoods import autoregressive_laws as laws

SMALL = {"channels": 4, "layers": 2, "kernel": 3, "features": 3}


def binary(data_shape=(1, 2, 3)):
    return laws.built(PixelCNN(Bernoulli(), **SMALL), data_shape)


def colourful(data_shape=(3, 4, 5)):
    of = Gaussian(variance=0.5)
    return laws.built(PixelCNN(of, **{**SMALL, "channels": 7}), data_shape)


@pytest.mark.parametrize("data_shape", [(1, 2, 3), (2, 3), (2, 1, 3)])
def test_the_masses_of_all_binary_images_sum_to_one(data_shape):
    laws.assert_mass_is_one(binary(data_shape), [0.0, 1.0], data_shape)


def test_of_bytes_too():
    px = laws.built(PixelCNN(DiscretizedLogistic(levels=3), **SMALL), (2, 2))
    laws.assert_mass_is_one(px, [0.0, 0.5, 1.0], (2, 2))
    px = laws.built(PixelCNN(Categorical(categories=3), **SMALL), (2, 2))
    laws.assert_mass_is_one(px, [0.0, 0.5, 1.0], (2, 2))


def test_tokens_are_read_one_hot():
    of = Categorical(categories=3, coding="tokens")
    px = laws.built(PixelCNN(of, **SMALL), (2, 2))
    laws.assert_mass_is_one(px, [0.0, 1.0, 2.0], (2, 2))
    assert px.network.layers[0].left.in_channels == 3


@pytest.mark.parametrize("data_shape", [(1, 2, 3), (2, 1, 3)])
def test_draws_are_the_masses(data_shape):
    laws.assert_draws_are_the_masses(binary(data_shape), [0.0, 1.0], data_shape)


# what an image's value i sees of value j: all within reach that come before it, and nothing else
@pytest.mark.parametrize(("colours", "layers", "kernel"), [(1, 2, 3), (3, 2, 3), (3, 1, 5)])
def test_a_value_sees_all_before_it_within_reach_and_nothing_else(colours, layers, kernel):
    shape, reach = (colours, 6, 5), layers * (kernel // 2)
    network = {"channels": 12, "layers": layers, "kernel": kernel}
    seen = laws.influence(laws.built(PixelCNN(Gaussian(variance=0.5), **network), shape), shape)
    for (i, at), (j, other) in itertools.product(enumerate(np.ndindex(shape)), repeat=2):
        (c, y, x), (c2, y2, x2) = at, other
        before = (y2, x2, c2) < (y, x, c)
        near = y - y2 <= reach and abs(x - x2) <= reach
        assert (seen[i, j] > 0) == (before and near), (at, other)


def window(image, row, column, above, left, right):
    """Return what surrounds a pixel, zeros outside: rows above to its own, left to right."""
    padded = np.pad(image, ((0, 0), (above, 0), (left, right)))
    return padded[:, row : row + above + 1, column : column + left + right + 1]


# h = tanh(a) sigmoid(b), a and b from the rows above, the pixel to the left, and V s
def test_of_one_layer_it_is_the_equation_pixel_by_pixel():
    likelihood = laws.built(
        PixelCNN(Bernoulli(), channels=2, layers=1, kernel=3, features=3), (3, 4)
    )
    w = {k: v.detach().numpy() for k, v in likelihood.network.state_dict().items()}
    given = laws.maps(likelihood, (3, 4), 1, 1)
    with seeded(0):
        x = (torch.rand(1, 3, 4, dtype=torch.float64) > 0.5).double()
    image = np.stack((x[0].numpy(), np.ones((3, 4))))
    expected = 0.0
    for row, column in np.ndindex(3, 4):
        near = window(image, row, column, 1, 1, 1)[:, :1]  # without the row itself
        v = np.einsum("oikl,ikl->o", w["layers.0.above.weight"], near) + w["layers.0.above.bias"]
        before = window(image, row, column, 0, 1, 0)[:, 0, 0]
        h = w["layers.0.left.weight"][:, :, 0, 0] @ before + w["layers.0.left.bias"]
        h = h + w["layers.0.over.weight"][:, :, 0, 0] @ v + w["layers.0.over.bias"]
        s = given[0, 0, :, row, column].numpy()
        shift = w["given.weight"][4:, :, 0, 0] @ s + w["given.bias"][4:]
        out = np.tanh((h + shift)[:2]) * expit((h + shift)[2:])
        for name in ("layers.0.mix", "hidden", "output"):
            out = out if name == "layers.0.mix" else np.where(out > 0, out, np.expm1(out))
            out = w[f"{name}.weight"][:, :, 0, 0] @ out + w[f"{name}.bias"]
        expected += stats.bernoulli.logpmf(x[0, row, column].numpy(), expit(out[0]))
    assert_allclose(likelihood(given).log_prob(x).item(), expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("of", "density"),
    [
        (Bernoulli(), lambda x: stats.bernoulli.logpmf(x, expit(0.3))),
        (Gaussian(variance=0.5), lambda x: stats.norm.logpdf(x, 0.3, 0.5**0.5)),
    ],
)
def test_without_weights_it_is_the_likelihood_it_is_made_of(of, density):
    likelihood = laws.built(PixelCNN(of, **SMALL), (1, 2, 3))
    with torch.no_grad():
        for parameter in likelihood.network.parameters():
            parameter.zero_()
        likelihood.network.output.bias.fill_(0.3)
    px = likelihood(laws.maps(likelihood, (1, 2, 3)))
    x = px.sample()
    assert_allclose(px.log_prob(x).detach(), density(x.numpy()).sum((2, 3, 4)), rtol=1e-6)
    alone = of(torch.full((2, 2, 1, 2, 3), 0.3).double())
    torch.testing.assert_close(px.mean, alone.mean)
    torch.testing.assert_close(px.variance, alone.variance)


def test_drawing_near_a_pixel_is_drawing_with_all_of_the_image():
    likelihood, shape = colourful((3, 7, 6)), (3, 7, 6)
    given = laws.maps(likelihood, shape, 1, 2)[0]
    got = likelihood.network.unroll(given, likelihood.reading, lambda p: p[:, 0])
    x = torch.zeros(2, *shape, dtype=torch.float64)
    for row, column, colour in itertools.product(range(7), range(6), range(3)):
        parameters = likelihood.network(likelihood.reading(x), given)
        x[:, colour, row, column] = parameters[:, 0, colour, row, column].detach()
    torch.testing.assert_close(got, x)


def test_a_scale_of_each_feature_is_one_of_each_channel():
    likelihood = laws.built(PixelCNN(Gaussian(sigma="per_feature"), **SMALL), (2, 3, 4))
    assert [tuple(p.shape) for p in likelihood.of.parameters()] == [(2, 1, 1)]
    px = likelihood(laws.maps(likelihood, (2, 3, 4)))
    assert px.log_prob(px.sample()).shape == (2, 2)


def test_the_mean():
    laws.assert_mean_is_fed_with_means(binary((2, 2)), (2, 2))
    laws.assert_mean_is_fed_with_means(colourful((3, 1, 1)), (3, 1, 1))
    given = laws.maps(binary(), (1, 2, 3)).requires_grad_()
    px = binary()(given)
    assert px.moments_are_estimated
    (slope,) = torch.autograd.grad(px.mean.sum(), given)
    assert bool((slope != 0).any())


def test_laws():
    laws.assert_numbers_are_finite(binary(), (1, 2, 3))
    laws.assert_numbers_are_finite(colourful(), (3, 4, 5))
    laws.assert_examples_are_independent(colourful(), (3, 4, 5))
    laws.assert_missing_entries_are_left_out(binary(), [0.0, 1.0], (1, 2, 3), [1, 4])
    laws.assert_can_be_traced(binary(), (1, 2, 3))


def test_its_text_is_its_configuration():
    text = "pixel_cnn:of=categorical(categories=3,coding=tokens),channels=8,features=2"
    built = registry.build("likelihood", text)
    assert registry.text(registry.spec(built)) == text
    assert built.base_measure == built.of.base_measure
    assert built.parameter_shape((5, 4)) == (2, 5, 4)
    assert registry.build("likelihood", "pixel_cnn:of=bernoulli").belief


def stripes(n=400):
    with seeded(0):
        return (torch.rand(n, 1, 1, 6) > 0.5).float().expand(-1, 1, 6, 6).contiguous()


def model_of(data, likelihood):
    network = nelbo.networks.MLP(hidden=(16,))
    with seeded(0):
        return nelbo.VAE(data.shape[1:], 2, network=network, likelihood=likelihood)


def test_training_raises_the_bound_and_a_checkpoint_brings_it_back():
    data = stripes()
    model = model_of(data, PixelCNN(Bernoulli(), **SMALL))
    model.initialise(data.mean(0))
    run = nelbo.fit(model, data, epochs=8, batch=50, lr=0.01, callbacks=[])
    assert run.history[-1]["elbo"] > run.history[0]["elbo"] + 5
    twin = nelbo.VAE.from_spec(model.spec())
    twin.load_state_dict(model.state_dict())
    with seeded(1):
        first = model.terms(data[:5]).log_px
    with seeded(1):
        torch.testing.assert_close(twin.terms(data[:5]).log_px, first)


def test_there_is_no_forecast_and_the_reason_is_said():
    data, likelihood = stripes(), PixelCNN(Bernoulli(), **SMALL)
    with pytest.raises(BadValue, match="forecast of PixelCNN: .* once its network is trained"):
        nelbo.forecast(data, likelihood)
    line = foretold(likelihood, nelbo.objectives.ELBO(), nelbo.data.Examples(data), steps=10)
    assert line.startswith("none: forecast of PixelCNN")


def test_the_doctor_sees_that_the_latents_say_nothing():
    data = stripes()
    likelihood = PixelCNN(Bernoulli(), **SMALL)
    model = model_of(data, likelihood)
    with torch.no_grad():
        model.encoder[-2].weight.zero_()  # q(z|x) is the prior, for all x
        model.encoder[-2].bias.zero_()
        likelihood.network.given.weight.zero_()
    found = nelbo.diagnose(model, data)
    assert found.forecast is None
    (collapsed,) = [f for f in found.findings if f.code == "collapsed"]
    assert "has no forecast" in collapsed.cause
    assert "FreeBits" in collapsed.fix


@pytest.mark.parametrize(
    ("arguments", "data_shape", "message"),
    [
        ({"kernel": 4}, (1, 5, 5), r"kernel: expected an odd number, got 4. Try 5."),
        ({"layers": 0}, (1, 5, 5), "layers: expected an integer of at least 1"),
        ({"channels": 2}, (3, 5, 5), "channels for PixelCNN: expected at least 3"),
        ({}, (784,), r"data for PixelCNN: expected examples of shape \[H, W\] or \[C, H, W\]"),
    ],
)
def test_what_cannot_be_is_refused(arguments, data_shape, message):
    with pytest.raises(BadValue, match=message):
        PixelCNN(Bernoulli(), **arguments).setup(data_shape)


def test_features_that_are_coupled_are_refused(unchecked):
    with pytest.raises(BadValue, match="of: expected a likelihood whose features are independent"):
        PixelCNN(DiscretizedLogisticMixture()).setup((3, 5, 5))
    with pytest.raises(BadValue):
        PixelCNN(Columns((Gaussian(), Bernoulli()))).setup((1, 5, 5))
    with pytest.raises(BadType, match="of: expected a Likelihood"):
        PixelCNN("bernoulli")
    grey = laws.built(PixelCNN(DiscretizedLogisticMixture(components=2, levels=3), **SMALL), (2, 2))
    laws.assert_mass_is_one(grey, [0.0, 0.5, 1.0], (2, 2))


def test_data_is_judged_by_the_likelihood_it_is_made_of():
    likelihood = PixelCNN(Bernoulli(), **SMALL)
    assert not likelihood.check(torch.full((2, 1, 2, 3), 0.5))
    with pytest.raises(BadValue, match="data for Bernoulli"):
        likelihood.check(torch.full((2, 1, 2, 3), 2.0))
