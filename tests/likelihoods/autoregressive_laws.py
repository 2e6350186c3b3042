"""What both autoregressive decoders are put to: enumeration, causality, and the doctor."""

import itertools

import numpy as np
import torch
from numpy.testing import assert_allclose
from torch.fx.experimental.proxy_tensor import make_fx

import nelbo
from nelbo.rng import seeded

DRAWS = 5_000


def built(likelihood, data_shape, seed=0):
    """Return it for examples of this shape, in float64."""
    with seeded(seed):
        likelihood.setup(data_shape)
    return likelihood.double().eval()


def maps(likelihood, data_shape, samples=2, batch=2, seed=1):
    """Return a decoder's output."""
    with seeded(seed):
        shape = (samples, batch, *likelihood.parameter_shape(data_shape))
        return 2 * torch.randn(shape, dtype=torch.float64)


def every(values, data_shape):
    """Return all examples of so many values, [n, 1, 1, *data_shape]."""
    count = np.prod(data_shape)
    found = torch.tensor(list(itertools.product(values, repeat=count)), dtype=torch.float64)
    return found.reshape(-1, 1, 1, *data_shape)


def assert_mass_is_one(likelihood, values, data_shape):
    px = likelihood(maps(likelihood, data_shape))
    log_prob = px.log_prob(every(values, data_shape))
    assert log_prob.shape == (len(values) ** np.prod(data_shape), 2, 2)
    assert_allclose(log_prob.detach().exp().sum(0), np.ones((2, 2)), rtol=1e-6)
    assert bool((log_prob.std((1, 2)) > 0).any())  # z matters


def assert_draws_are_the_masses(likelihood, values, data_shape):
    """Within five standard errors, of everything expected at least 20 times."""
    px, all_of_them = likelihood(maps(likelihood, data_shape, 1, 2)), every(values, data_shape)
    with seeded(2):
        draws = px.sample(torch.Size((DRAWS,)))
    assert draws.shape == (DRAWS, 1, 2, *data_shape)
    base = len(values) ** torch.arange(int(np.prod(data_shape))).flip(0)
    number = (draws.flatten(3).long() * base).sum(-1)[:, 0]
    mass = px.log_prob(all_of_them).detach().exp()[:, 0]
    for drawn, p in zip(number.T, mass.T, strict=True):
        share = torch.bincount(drawn, minlength=len(p)) / DRAWS
        often = p * DRAWS >= 20
        assert int(often.sum()) > 5
        error = (p * (1 - p) / DRAWS).sqrt()
        assert bool(((share - p).abs() < 5 * error)[often].all())


def influence(likelihood, data_shape):
    """Return the largest |d parameters_i / d x_j| of some examples, [features, features]."""
    given = maps(likelihood, data_shape, 1, 8)[0]
    with seeded(3):
        x = torch.randn(8, *data_shape, dtype=torch.float64)
    px = likelihood(given[None])

    def parameters(x):
        return px._px(likelihood.reading(px._canonical(x)), given).mean.flatten(2)[0].sum(0)

    jacobian = torch.autograd.functional.jacobian(parameters, x)
    return jacobian.flatten(2).abs().amax(1)


def assert_numbers_are_finite(likelihood, data_shape):
    x = likelihood(maps(likelihood, data_shape)).sample()[0]
    for size in (0.0, 1.0, -30.0, 30.0):
        given = torch.full_like(maps(likelihood, data_shape), size).requires_grad_()
        log_prob = likelihood(given).log_prob(x)
        slopes = torch.autograd.grad(log_prob.sum(), [given, *likelihood.parameters()])
        assert bool(log_prob.isfinite().all())
        assert all(bool(slope.isfinite().all()) for slope in slopes)


def assert_examples_are_independent(likelihood, data_shape):
    given = maps(likelihood, data_shape, 2, 3)
    x = likelihood(given).sample()[0]
    alone = likelihood(given[1:, 2:]).log_prob(x[2:])
    torch.testing.assert_close(alone, likelihood(given).log_prob(x)[1:, 2:])


def assert_mean_is_fed_with_means(likelihood, data_shape):
    """Where there are no more places than passes it is what feeding means in turn gives."""
    given = maps(likelihood, data_shape, 1, 2)
    px = likelihood(given)

    def mean_of(parameters):
        shape = (*data_shape[: -likelihood.places], *(1,) * likelihood.places)
        return px._canonical(px._shaped(parameters, shape).mean[0])

    fed = likelihood.network.unroll(given[0], likelihood.reading, mean_of)
    torch.testing.assert_close(px.mean[0], fed.reshape(px.mean[0].shape))


def assert_missing_entries_are_left_out(likelihood, values, data_shape, missing):
    """What is observed has a mass of 1, with the filler in the place of what is not."""
    px = nelbo.likelihoods.observed.Observed(
        likelihood(maps(likelihood, data_shape)),
        nelbo.likelihoods.observed.filler(likelihood, data_shape),
    )
    x = every(values, data_shape)[:, 0, 0].flatten(1)
    x[:, missing] = float("nan")
    x = torch.unique(x.nan_to_num(-1.0), dim=0)
    x = torch.where(x < 0, torch.nan, x)
    assert len(x) == len(values) ** (np.prod(data_shape) - len(missing))
    log_prob = px.log_prob(x.reshape(-1, 1, 1, *data_shape))
    assert_allclose(log_prob.detach().exp().sum(0), np.ones((2, 2)), rtol=1e-6)


def assert_can_be_traced(likelihood, data_shape):
    """A step's program is noted down from tensors without contents."""
    likelihood.train()
    given = maps(likelihood, data_shape)
    x = likelihood(given).sample()[0]
    weights = dict(likelihood.named_parameters())

    def density(given, x, weights):
        call = torch.func.functional_call
        return call(Density(likelihood), {f"of.{k}": w for k, w in weights.items()}, (given, x))

    def slope(given, x, weights):
        return torch.func.grad(lambda w: density(given, x, w).sum())(weights)

    traced = make_fx(slope, tracing_mode="fake", _allow_non_fake_inputs=True)(given, x, weights)
    with seeded(4):
        got = traced(given, x, weights)
    with seeded(4):
        value = likelihood(given).log_prob(x).sum()
    expected = torch.autograd.grad(value, list(weights.values()))
    for found, wanted in zip(got.values(), expected, strict=True):
        torch.testing.assert_close(found, wanted)


class Density(torch.nn.Module):
    def __init__(self, likelihood):
        super().__init__()
        self.of = likelihood

    def forward(self, given, x):
        return self.of(given).log_prob(x)
