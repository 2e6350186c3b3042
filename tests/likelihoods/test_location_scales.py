"""What the likelihoods of one scale have in common: stated, or learned from 1."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

import nelbo
from nelbo import registry
from nelbo.errors import BadValue
from nelbo.likelihoods import Laplace, Logistic, LogNormal, StudentT
from nelbo.rng import seeded

FAMILIES = [Laplace, Logistic, LogNormal, StudentT]


@pytest.mark.parametrize("scale", [0.0, -1.0, float("inf"), float("nan")])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_scale_is_a_positive_number(family, scale):
    with pytest.raises(BadValue, match="scale: expected a positive number, got .* Leave it out"):
        family(scale=scale)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_belief_says_the_scale_and_its_origin(family):
    assert "scale 0.25 (stated)" in family(scale=0.25).belief
    assert "scale 1 (learned)" in family().belief


@pytest.mark.parametrize("family", FAMILIES)
def test_the_noise_is_the_distributions_own(family):
    likelihood = family(scale=0.25)
    px = likelihood(torch.full((1, 1, 3), 0.5))
    torch.testing.assert_close(likelihood.noise_variance(px.mean[0, 0]), px.variance[0, 0])


def fitted(likelihood, x):
    """The likelihood after its own scale has gone to its best for outputs of 0."""
    search = torch.optim.LBFGS(likelihood.parameters(), max_iter=200, line_search_fn="strong_wolfe")

    def loss():
        search.zero_grad()
        value = -likelihood(torch.zeros(1, *x.shape).double()).log_prob(x).mean()
        value.backward()
        return value

    search.step(loss)
    return likelihood


@pytest.mark.parametrize(
    ("family", "draws", "fit"),
    [
        (Laplace, stats.laplace, lambda x: np.abs(x).mean()),
        (Logistic, stats.logistic, lambda x: stats.logistic.fit(x, floc=0)[1]),
        (LogNormal, stats.norm, lambda x: np.sqrt((x**2).mean())),
    ],
)
def test_a_learned_scale_goes_to_scipys(family, draws, fit):
    x = draws.rvs(scale=0.3, size=2000, random_state=0)
    data = np.exp(x) if family is LogNormal else x
    found = fitted(family().double(), torch.from_numpy(data)[:, None])
    assert found.noise.number == pytest.approx(fit(x), rel=1e-4)


def test_zero_and_less_are_no_data_of_a_log_normal():
    for bad in (0.0, -1.0):
        with pytest.raises(BadValue, match="data for LogNormal: expected values above 0"):
            LogNormal().check(torch.tensor([bad, 1.0]))


def test_a_logistic_far_in_its_tails_is_an_absolute_error():
    px = Logistic(scale=1.0)(torch.zeros(1, 2, 1))
    log_px = px.log_prob(torch.tensor([[1e5], [-1e5]]))
    assert log_px.tolist() == [[-1e5, -1e5]]


@pytest.mark.parametrize(
    "text",
    ["laplace", "logistic", "student_t", "log_normal", "beta", "heteroscedastic:beta=0.5"],
)
def test_it_trains(text):
    """On data of one direction the loss falls, with finite weights."""
    with seeded(0):
        z = torch.randn(256, 1)
        x = torch.sigmoid(z * torch.tensor([2.0, 1.0, -1.0]) + 0.1 * torch.randn(256, 3))
        model = nelbo.VAE(
            data_shape=(3,),
            latent=1,
            network=nelbo.networks.MLP(hidden=(16,)),
            likelihood=registry.build("likelihood", text),
        )
    model.initialise(x.mean(0))
    run = nelbo.fit(model, x, epochs=6, batch=32, lr=0.01, seed=0)
    losses = [line["loss"] for line in run.history]
    assert all(math.isfinite(loss) for loss in losses)
    assert losses[-1] < losses[0]
    assert all(bool(p.isfinite().all()) for p in run.model.parameters())
