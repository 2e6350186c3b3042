"""Hierarchies of maps: what differs from those of vectors."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy import stats
from torch.fx.experimental.proxy_tensor import make_fx

import nelbo
from nelbo import registry
from nelbo.distributions.maps import GatedMaps, resized
from nelbo.errors import BadValue
from nelbo.rng import seeded
from tests.references.filled import fill
from tests.references.top_down import bounded
from tests.references.top_down_maps import convolve, gated, halves

LEVELS = ((2, 2, 2), (1, 4, 4), (1, 4, 4))
LATENT = 8 + 16 + 16


def model(levels=LEVELS, latent=LATENT, hidden=8):
    with seeded(0):
        return nelbo.VAE(
            (1, 8, 8),
            latent,
            network=nelbo.networks.ConvMaps(levels, channels=(8,)),
            prior=nelbo.priors.TopDownMaps(levels, hidden=hidden),
            posterior=nelbo.posteriors.ResidualMaps(levels, features=2),
        )


def images(n=6):
    with seeded(1):
        return torch.rand(n, 1, 8, 8).round()


# p(z) = p(z_1) p(z_2 | z_1) p(z_3 | z_1, z_2), each written with NumPy's own convolutions
def test_the_density_is_the_product_of_the_conditionals():
    prior = model(hidden=3).double().prior
    fill(prior)
    heads = [[p.detach().numpy() for p in head.parameters()] for head in prior.heads]
    blocks = [[p.detach().numpy() for p in block.parameters()] for block in prior.blocks]
    z = np.random.default_rng(0).normal(size=(5, LATENT))
    parts = np.split(z, [8, 24], axis=-1)
    state, total = prior.first.detach().numpy(), 0.0
    for i, part in enumerate(parts):
        mu, raw = halves(convolve(state, *heads[i]))
        total = total + stats.norm.logpdf(part, mu, np.exp(bounded(raw) / 2)).sum(-1)
        if i < 2:
            times = LEVELS[i + 1][1] // LEVELS[i][1]
            square = np.ones((times, times))
            state = np.kron(state, square)
            state = state + gated(state, np.kron(part.reshape(5, *LEVELS[i]), square), *blocks[i])
    with torch.no_grad():
        assert_allclose(prior().log_prob(torch.from_numpy(z)), total, rtol=1e-9)


def test_a_level_depends_on_those_above_it_and_on_no_other():
    prior = model(hidden=3).double().prior
    fill(prior)

    def means(z):
        return torch.cat([step.own.mu.expand(step.z.shape) for step in prior()._steps(z)], dim=-1)

    matrix = torch.autograd.functional.jacobian(means, torch.ones(LATENT).double())
    ends = [slice(0, 8), slice(8, 24), slice(24, 40)]
    hangs = [[bool(matrix[a, b].any()) for b in ends] for a in ends]
    assert hangs == [[False, False, False], [True, False, False], [True, True, False]]


def test_a_fresh_model_has_a_standard_prior_and_hardly_any_kl():
    built = model(hidden=32)
    with seeded(2):
        terms = built.terms(images(), samples=20)
    assert_allclose(terms.log_pz.detach(), stats.norm.logpdf(terms.z.detach()).sum(-1), rtol=1e-5)
    assert terms.kl.shape == (6, LATENT)
    for level in terms.kl.split([8, 16, 16], dim=-1):
        assert 0 < level.mean().item() < 0.02


def test_bins_of_uneven_sizes_are_means_of_what_they_touch():
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 5))
    for height, width in ((7, 8), (2, 3), (8, 10), (4, 5), (1, 1)):
        got = resized(torch.from_numpy(x), (9, height, width))
        for i in range(height):
            for j in range(width):
                rows = slice(i * 4 // height, -(-(i + 1) * 4 // height))
                columns = slice(j * 5 // width, -(-(j + 1) * 5 // width))
                expected = x[..., rows, columns].mean((-2, -1))
                assert_allclose(got[..., i, j], expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("state", "other"), [((), ()), ((), (5,)), ((5,), ()), ((3, 5), (5,)), ((3, 1), (1, 5))]
)
def test_leading_dimensions_broadcast(state, other):
    layer = GatedMaps(4, 3, 2).double()
    h, v = torch.randn(*state, 4, 2, 3).double(), torch.randn(*other, 3, 2, 3).double()
    with torch.no_grad():
        got = layer(h, v)
        weights = [p.numpy() for p in layer.parameters()]
    shape = np.broadcast_shapes(state, other)
    assert got.shape == (*shape, 2, 2, 3)
    assert_allclose(got, gated(h.numpy(), v.numpy(), *weights), rtol=1e-9, atol=1e-12)


def test_a_step_can_be_traced_without_looking_at_values():
    built, x = model(), images()
    weights = dict(built.named_parameters())

    def loss(weights, x):
        terms = torch.func.functional_call(built, weights, (x,))
        return -nelbo.objectives.ELBO()(terms).mean()

    built.forward = built.terms
    with seeded(3):
        traced = make_fx(torch.func.grad(loss), tracing_mode="fake", _allow_non_fake_inputs=True)(
            weights, x
        )
    with seeded(4):
        plain = torch.func.grad(loss)(weights, x)
    with seeded(4):
        again = traced(weights, x)
    for name, gradient in plain.items():
        torch.testing.assert_close(again[name], gradient)


@pytest.mark.parametrize(
    ("levels", "text"),
    [
        ("()", r"For example \(\(4, 4, 4\), \(2, 8, 8\)\)"),
        ("(4,16)", "channels, height, width of each level"),
        ("(4,8,8)", r"\(\(4, 8, 8\),\) for one level"),
        ("((4,4),(2,8))", "channels, height, width of each level"),
        ("((0,4,4),)", "positive integers"),
        ("((2.5,4,4),)", "positive integers"),
        ("((2,8,8),(4,4,4))", r"got \(2, 8, 8\) above \(4, 4, 4\). The top stands first"),
    ],
)
@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("kind", ["prior top_down_maps", "posterior residual_maps"])
def test_levels_that_are_no_maps_are_refused(kind, levels, text):
    axis, name = kind.split()
    with pytest.raises(BadValue, match=text):
        registry.build(axis, f"{name}:levels={levels}")


SMALL = "levels=((1,1,1),(1,1,2))"


@pytest.mark.parametrize(
    ("posterior", "prior", "text"),
    [
        (f"residual_maps:{SMALL}", "standard", r"prior 'top_down_maps' with levels=\(\(1, 1, 1\)"),
        (f"residual_maps:{SMALL}", "top_down:levels=(1,2)", "'top_down_maps'"),
        (f"residual_maps:{SMALL}", "top_down_maps:levels=((1,1,1),(2,1,1))", r"\(1, 1, 2\)\)"),
        ("ladder:levels=(1,2)", f"top_down_maps:{SMALL}", r"'top_down' with levels=\(1, 2\)"),
        ("residual_maps:levels=((1,1,1),(1,1,3))", "standard", "latent=4"),
        ("diagonal", "top_down_maps", "latent=192"),
    ],
)
def test_what_does_not_fit_is_refused(posterior, prior, text):
    built = registry.build("posterior", posterior), registry.build("prior", prior)
    with pytest.raises(BadValue, match=text):
        nelbo.VAE(4, 3, posterior=built[0], prior=built[1])
