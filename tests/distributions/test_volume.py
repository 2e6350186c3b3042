"""Draws of a metric's volume: its density where one can integrate it, and what is refused."""

import pytest
import torch

from nelbo.distributions.metric import Metric
from nelbo.distributions.volume import Volume
from nelbo.errors import BadValue
from nelbo.rng import seeded


def metric():
    centres = torch.tensor([[0.0], [1.5]], dtype=torch.float64)
    factors = torch.tensor([[[1.0]], [[0.6]]], dtype=torch.float64)
    return Metric(centres, factors, temperature=1.0, regularisation=1e-6)


def test_draws_have_the_density_of_the_volume():
    z = torch.linspace(-5, 6.5, 20_001, dtype=torch.float64)
    density = (0.5 * metric().at(z.view(-1, 1, 1)).log_det_inverse[:, 0]).exp()
    density = density / density.sum()
    with seeded(0):
        x = Volume(metric()).sample(torch.Size((4000,)))[:, 0]
    for power in (1, 2, 3):
        moments = x**power
        error = moments.std() / len(x) ** 0.5
        assert (moments.mean() - (density * z**power).sum()).abs() < 5 * error


def test_draws_have_the_shape_asked_for():
    assert Volume(metric()).sample(torch.Size((2, 3))).shape == (2, 3, 1)


def test_there_is_no_density_and_no_gradient():
    with pytest.raises(BadValue, match="normalised density"):
        Volume(metric()).log_prob(torch.zeros(1, 1))
    with pytest.raises(BadValue, match="Call sample"):
        Volume(metric()).rsample()


def test_a_metric_without_centroids_is_refused():
    with pytest.raises(BadValue, match="Train the model first"):
        Volume(Metric(torch.zeros(3, 2), torch.zeros(3, 2, 2), 1.0, 0.1))
