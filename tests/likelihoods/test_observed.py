"""What is missing has no part in log p(x|z), nor in any gradient."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from sklearn.datasets import load_wine
from torch.distributions import Independent, LowRankMultivariateNormal, Normal, OneHotCategorical
from torch.distributions import constraints as c

import nelbo
from nelbo.errors import BadType, BadValue
from nelbo.likelihoods.observed import Observed, fill, filler
from nelbo.rng import seeded
from nelbo.testing.likelihood import Likelihood
from tests.references import LIKELIHOODS

NAN = float("nan")


def built(text, shape):
    likelihood = nelbo.registry.build("likelihood", text).double()
    likelihood.setup(shape)
    return likelihood.eval()


def drawn(text, shape=(3, 4), seed=0):
    """Return a likelihood, outputs of two samples, data from it, and which of it is missing."""
    likelihood = built(text, shape)
    with seeded(seed):
        outputs = torch.randn(2, 6, *likelihood.parameter_shape(shape), dtype=torch.float64)
        x = likelihood(outputs).sample()[0]
        missing = torch.rand(x.shape) < 0.3
    return likelihood, outputs, x, missing


def reports_each_feature(text):
    likelihood, outputs, _, _ = drawn(text)
    px = likelihood(outputs)
    return isinstance(px, Independent) and not px.base_dist.event_shape


SEPARABLE = [text for text in LIKELIHOODS if reports_each_feature(text) and "optimal" not in text]


@pytest.mark.parametrize("text", SEPARABLE)
def test_the_observed_entries_add_up(text):
    likelihood, outputs, x, missing = drawn(text)
    each = likelihood(outputs).base_dist.log_prob(x)
    expected = (each * ~missing).sum((-1, -2))
    px = Observed(likelihood(outputs), filler(likelihood, (3, 4)))
    got = px.log_prob(x.masked_fill(missing, NAN))
    assert_allclose(got.detach(), expected.detach(), rtol=1e-12)
    assert torch.equal(px.log_prob(x), likelihood(outputs).log_prob(x))


@pytest.mark.parametrize("size", [None, 0.0, -30.0, 30.0])
@pytest.mark.parametrize("text", SEPARABLE)
def test_a_missing_entry_moves_nothing(text, size):
    likelihood, outputs, x, missing = drawn(text)
    outputs = outputs if size is None else torch.full_like(outputs, size)
    outputs.requires_grad_()
    px = Observed(likelihood(outputs), filler(likelihood, (3, 4)))
    (slope,) = torch.autograd.grad(px.log_prob(x.masked_fill(missing, NAN)).sum(), outputs)
    assert slope.isfinite().all()
    of_missing = missing.expand(slope.shape) if slope.dim() == 4 else missing[:, None]
    assert (slope.masked_select(of_missing.expand_as(slope)) == 0).all()
    assert (slope.masked_select(~of_missing.expand_as(slope)) != 0).any() or size is not None


def test_nothing_observed_is_worth_nothing():
    likelihood, outputs, x, _ = drawn("gaussian:variance=0.3")
    own = [*likelihood.parameters(), outputs.requires_grad_()]
    got = Observed(likelihood(outputs), filler(likelihood, (3, 4))).log_prob(
        torch.full_like(x, NAN)
    )
    assert (got == 0).all()
    for slope in torch.autograd.grad(got.sum(), own, materialize_grads=True):
        assert (slope == 0).all()


def test_a_learned_number_follows_the_observed_entries_alone():
    likelihood = nelbo.likelihoods.Gaussian(sigma="learned").double()
    outputs, x = torch.zeros(1, 1, 3).double(), torch.tensor([[1.0, -2.0, NAN]]).double()
    sigma = likelihood.scale.rho
    half = Observed(likelihood(outputs), filler(likelihood, (3,))).log_prob(x)
    whole = likelihood(outputs[..., :2]).log_prob(x[:, :2])
    assert_allclose(*(torch.autograd.grad(value.sum(), sigma)[0] for value in (half, whole)))


def test_all_else_is_the_whole_distributions():
    px = nelbo.likelihoods.Gaussian(variance=4.0)(torch.ones(2, 3, 5))
    some = Observed(px, torch.tensor(0.0))
    assert (some.batch_shape, some.event_shape) == ((2, 3), (5,))
    for name in ("mean", "mode", "variance"):
        assert torch.equal(getattr(some, name), getattr(px, name))
    assert some.support is not None
    assert torch.equal(some.entropy(), px.entropy())
    with seeded(1):
        drawn_some = some.sample(torch.Size((4,))), some.rsample()
    with seeded(1):
        drawn_whole = px.sample(torch.Size((4,))), px.rsample()
    assert all(map(torch.equal, drawn_some, drawn_whole))


class Of(nelbo.likelihoods.Bernoulli):
    """A likelihood of any distribution and support."""

    def __init__(self, support, px=None):
        super().__init__()
        self.support, self.px = support, px

    def forward(self, parameters):
        return super().forward(parameters) if self.px is None else self.px


@pytest.mark.parametrize(
    ("support", "value"),
    [
        (c.real, 0.5),
        (c.boolean, 0.0),
        (c.unit_interval, 0.5),
        (c.interval(0.0, 0.1), 0.0),
        (c.positive, 0.5),
        (c.nonnegative_integer, 0.0),
        (c.positive_integer, 1.0),
        (c.integer_interval(0, 4), 0.0),
    ],
)
def test_the_filler_is_inside(support, value):
    assert isinstance(Of(support), Likelihood)
    assert float(filler(Of(support), (4,))) == value
    assert bool(support.check(filler(Of(support), (4,))))


@pytest.mark.parametrize("support", [c.greater_than(2.0), c.one_hot, c.simplex])
def test_a_support_without_a_filler_is_refused(support):
    with pytest.raises(BadValue, match="missing entries under Of: expected a support with one of"):
        filler(Of(support), (4,))


@pytest.mark.parametrize(
    "px",
    [
        LowRankMultivariateNormal(torch.zeros(1, 1, 4), torch.ones(4, 1), torch.ones(4)),
        Independent(OneHotCategorical(logits=torch.zeros(1, 1, 4, 3)), 1),
    ],
)
def test_coupled_features_are_refused_when_built(px):
    for build in (lambda: Observed(px, torch.tensor(0.0)), lambda: filler(Of(c.real, px), (4,))):
        with pytest.raises(BadType, match="expected a likelihood whose features are independent"):
            build()


def test_a_sigma_of_the_batch_is_refused():
    with pytest.raises(BadValue, match="got sigma=optimal. Use sigma=learned"):
        filler(nelbo.likelihoods.Gaussian(sigma="optimal"), (4,))


def test_of_a_real_table_against_scipy():
    table = load_wine().data
    with seeded(3):
        missing = torch.rand(table.shape) < 0.2
        mean = torch.randn(1, *table.shape, dtype=torch.float64)
    missing[0] = True
    x = torch.from_numpy(table)
    px = Observed(Independent(Normal(mean, 2.0), 1), torch.tensor(0.0))
    expected = -0.5 * ((table - mean[0].numpy()) / 2) ** 2 - np.log(2 * np.sqrt(2 * np.pi))
    got = px.log_prob(x.masked_fill(missing, NAN))[0]
    assert_allclose(got, np.where(missing, 0, expected).sum(1), rtol=1e-10)
    assert got[0] == 0
    kept = [0, 3, 5]
    gone = x.clone()
    gone[:, [i for i in range(x.shape[1]) if i not in kept]] = NAN
    without = Independent(Normal(mean[..., kept], 2.0), 1).log_prob(x[:, kept])
    assert_allclose(px.log_prob(gone), without, rtol=1e-12)


def test_fill_keeps_what_is_there():
    x = torch.tensor([[1.0, NAN], [NAN, 2.0]])
    assert fill(x, torch.tensor([7.0, 8.0])).tolist() == [[1.0, 8.0], [7.0, 2.0]]
