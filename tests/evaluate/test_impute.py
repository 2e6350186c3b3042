"""`impute` against conditional expectations that are known exactly."""

import pytest
import torch
from torch import nn
from torch.distributions import Independent, Normal

import nelbo
from nelbo.errors import BadValue
from nelbo.evaluate.impute import _Averages, impute, pieces
from nelbo.likelihoods import Bernoulli, Categorical, Columns, Gaussian
from nelbo.likelihoods.observed import Observed
from nelbo.rng import seeded
from nelbo.terms import Terms

W = torch.tensor([[1.0, 0.0], [0.8, 0.6], [-0.5, 1.0], [0.3, -0.9]], dtype=torch.float64)
SIGMA = 0.5
LOST = torch.nan


class Linear(nn.Module):
    """p(z) = N(0, I), p(x|z) = N(Wz, sigma^2 I), and a q that is wider than the posterior."""

    def terms(self, x, samples=1):
        q = Independent(Normal(x.new_zeros(len(x), 2), x.new_full((len(x), 2), 1.1)), 1)
        p = Independent(Normal(x.new_zeros(2), x.new_ones(2)), 1)
        z = q.rsample((samples,))
        px = Independent(Normal(z @ W.mT, SIGMA, validate_args=False), 1)
        return Terms(x, z, Observed(px, torch.zeros((), dtype=torch.float64)), q, p)

    def reconstruct(self, x):
        raise AssertionError("not asked for")

    def parameters(self, recurse=True):
        return iter([nn.Parameter(W)])


def conditional_mean(x):
    """E[x_m | x_o] of the Gaussian with covariance W W' + sigma^2 I, row by row."""
    covariance = W @ W.mT + SIGMA**2 * torch.eye(4, dtype=torch.float64)
    full = x.clone()
    for row in full:
        m, o = row.isnan(), ~row.isnan()
        if m.any():
            row[m] = covariance[m][:, o] @ torch.linalg.solve(covariance[o][:, o], row[o])
    return full


@pytest.fixture
def rows():
    with seeded(0):
        z, noise = torch.randn(6, 2, dtype=torch.float64), torch.randn(6, 4, dtype=torch.float64)
    x = (z @ W.mT + SIGMA * noise).float().double()
    x[0, 1] = x[1, [0, 3]] = x[2, [1, 2, 3]] = x[3] = x[4, 2] = LOST
    return x


def test_it_is_the_conditional_expectation_of_a_gaussian(rows):
    seeds, samples = 40, 2000
    every = torch.stack([impute(Linear(), rows, samples, seed) for seed in range(seeds)])
    error = every.std(0) / seeds**0.5
    # self-normalised weights are biased by O(1/samples), far below the spread over the seeds
    assert bool(((every.mean(0) - conditional_mean(rows)).abs() <= 5 * error + 2e-3).all())
    assert float(error.max()) < 0.02


def test_what_is_observed_stays_and_the_generator_too(rows):
    state = torch.get_rng_state()
    full = impute(Linear(), rows, samples=10, seed=3)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(full[~rows.isnan()], rows[~rows.isnan()])
    assert not full.isnan().any()
    assert torch.equal(full, impute(Linear(), rows, samples=10, seed=3))


def test_chunks_of_samples_make_no_difference():
    with seeded(0):
        log_w, each = 30 * torch.randn(7, 3), torch.randn(7, 3, 2)
    expected = (torch.softmax(log_w, 0)[..., None] * each).sum(0)
    for size in (1, 3, 7):
        found = _Averages()
        for part, values in zip(log_w.split(size), each.split(size), strict=True):
            found.add(part, pieces(Independent(Normal(values, 1.0), 1)))
        torch.testing.assert_close(found.estimate(), expected)


def test_a_category_becomes_the_most_probable_one():
    table = Columns((Gaussian(variance=1.0), Categorical(3, "tokens"), Bernoulli()))
    outputs = torch.tensor([[2.0, 0.0, 3.0, 1.0, 0.0], [4.0, 2.5, 0.0, 0.0, 0.0]])[:, None]
    found = _Averages()
    found.add(torch.zeros(2, 1), pieces(table(outputs)))
    probs = outputs[:, 0, 1:4].softmax(-1).mean(0)
    assert found.estimate().tolist() == [[3.0, float(probs.argmax()), 0.5]]


def test_levels_are_named_as_in_the_data():
    px = Categorical(3, "levels")(torch.tensor([0.0, 0.0, 2.0]).view(1, 1, 3, 1))
    found = _Averages()
    found.add(torch.zeros(1, 1), pieces(px))
    assert found.estimate().tolist() == [[1.0]]


def test_covariates_stay_beside_the_data():
    x = torch.tensor([[1.0, LOST, 0.0, 1.0], [LOST, 2.0, 1.0, 0.0]])
    model = nelbo.VAE(2, latent=1, likelihood=Gaussian(), covariates=2, missing=True)
    full = nelbo.impute(model, x, samples=5)
    assert full.shape == x.shape
    assert torch.equal(full[:, 2:], x[:, 2:])
    assert not full.isnan().any()


def test_training_with_gaps_learns_what_goes_with_what():
    """Two features that are one: half of all entries gone, the other one tells."""
    with seeded(1):
        x = torch.randn(400, 1).expand(-1, 2) + 0.1 * torch.randn(400, 2)
        gaps = torch.rand(400, 2) < 0.5
        model = nelbo.VAE(
            2, 1, nelbo.networks.MLP(hidden=(16,)), Gaussian(sigma="learned"), missing=True
        )
    held = x.masked_fill(gaps, LOST)
    objective = nelbo.objectives.IWAE(samples=5)
    nelbo.fit(model, held, objective=objective, epochs=40, batch=50, lr=0.01, callbacks=[])
    told = gaps[:, 0] & ~gaps[:, 1]
    error = (nelbo.impute(model, held)[told, 0] - x[told, 0]).square().mean().sqrt()
    assert float(error) < 0.4  # the mean's is 1, and the noise 0.14


@pytest.mark.parametrize("samples", [0, -1])
def test_no_samples_are_refused(samples, rows):
    with pytest.raises(BadValue, match="samples: expected an integer of at least 1"):
        impute(Linear(), rows, samples)
