"""Quadrature over every kind of support, against closed forms."""

import pytest
import torch
from scipy import stats
from torch.distributions import constraints

from nelbo.errors import BadValue
from nelbo.testing.quadrature import nodes


@pytest.mark.parametrize(
    ("support", "reference", "centre", "width"),
    [
        (constraints.real, stats.norm(0.3, 2.0), 0.3, 2.0),
        (constraints.real, stats.norm(0.3, 2.0), 3.0, 0.5),  # from afar
        (constraints.real, stats.t(3), 0.0, 1.7),  # heavy tails
        (constraints.real, stats.laplace(0.5, 0.1), 0.5, 0.14),  # a kink at the centre
        (constraints.unit_interval, stats.beta(0.5, 0.7), 0.4, 0.3),  # infinite at both ends
        (constraints.unit_interval, stats.truncexpon(200, 0, 1 / 200), 0.005, 0.005),
        (constraints.interval(-1.0, 3.0), stats.uniform(-1, 4), 1.0, 1.0),
        (constraints.positive, stats.gamma(2.5), 2.5, 1.6),
        (constraints.positive, stats.lognorm(1.0), 1.6, 2.2),
        (constraints.boolean, stats.bernoulli(0.3), 0.3, 0.5),
        (constraints.integer_interval(0, 255), stats.binom(255, 0.4), 102.0, 8.0),
        (constraints.nonnegative_integer, stats.poisson(20.0), 20.0, 4.5),
    ],
)
def test_mass_and_mean_are_those_of_the_reference(support, reference, centre, width):
    x, weights = nodes(support, centre, width)
    density = getattr(reference, "pmf" if support.is_discrete else "pdf")(x.numpy())
    mass = weights * torch.from_numpy(density)
    assert float(mass.sum()) == pytest.approx(1.0, rel=1e-7)
    assert float((mass * x).sum()) == pytest.approx(reference.mean(), rel=1e-7, abs=1e-9)


def test_an_unknown_support_is_refused():
    with pytest.raises(BadValue, match="support: expected integers, an interval or the real line"):
        nodes(constraints.simplex, 0.0, 1.0)
