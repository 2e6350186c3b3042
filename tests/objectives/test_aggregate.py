"""MMD, total correlation and mutual information of distributions of which they are known."""

import math

import pytest
import torch
from torch.distributions import Independent, Normal

import nelbo
from nelbo.errors import BadValue
from nelbo.objectives import ELBO, BetaTCVAE, InfoVAE
from nelbo.objectives.aggregate import KERNELS, gaussian_kernel, inverse_multiquadratic, mmd
from nelbo.rng import seeded
from nelbo.terms import Terms
from tests.objectives.linear_gaussian import LinearGaussian


# E k(x, y), k = exp(-|x - y|^2 / 2s), for x - y ~ N(m, v I) in K dimensions
def expected_kernel(mean, variance, width, dimensions):
    scale = (width / (width + variance)) ** (dimensions / 2)
    return scale * math.exp(-dimensions * mean**2 / (2 * (width + variance)))


def test_the_mmd_of_two_gaussians_is_the_closed_one():
    count, latent, shift = 3000, 2, 1.0
    with seeded(0):
        z = torch.randn(count, latent, dtype=torch.float64) + shift
        y = torch.randn(count, latent, dtype=torch.float64)
    within = expected_kernel(0.0, 2.0, latent, latent)
    exact = 2 * within - 2 * expected_kernel(shift, 2.0, latent, latent)
    exact += 2 * (1 - within) / count  # of each point with itself
    assert float(mmd(z, y, gaussian_kernel)) == pytest.approx(exact, abs=5 / count**0.5 * 0.2)


@pytest.mark.parametrize("kernel", KERNELS.values())
def test_the_mmd_is_a_squared_distance(kernel):
    with seeded(0):
        z, y = torch.randn(2, 200, 3, dtype=torch.float64)
    assert float(mmd(z, z, kernel)) == pytest.approx(0.0, abs=1e-12)
    assert float(mmd(z, y, kernel)) > 0
    assert float(mmd(z + 2, y, kernel)) > 10 * float(mmd(z, y, kernel))
    assert float(mmd(z, y, kernel)) == pytest.approx(float(mmd(y, z, kernel)))


def test_the_imq_kernel_is_the_papers_sum():
    squared = torch.tensor([[3.0]])
    scales = [2 * 4 * s for s in (0.1, 0.2, 0.5, 1, 2, 5, 10)]
    expected = sum(c / (c + 3.0) for c in scales)
    assert float(inverse_multiquadratic(squared, 4)) == pytest.approx(expected, rel=1e-6)


def test_info_vae_at_its_ends():
    model = LinearGaussian()
    with seeded(0):
        terms = model.terms(1)
    elbo = InfoVAE(alpha=0.0, weight=1.0)(terms)
    torch.testing.assert_close(elbo, ELBO()(terms))
    with seeded(1):
        without = InfoVAE(alpha=1.0, weight=5.0)(terms)
    with seeded(1):
        y = terms.p.sample(torch.Size((1, len(terms.x)))).flatten(0, 1)
    apart = mmd(terms.z.flatten(0, 1), y, gaussian_kernel)
    torch.testing.assert_close(without, terms.log_px.mean(0) - 5.0 * apart)


def gaussian_terms(batch, correlation):
    """Latents whose aggregate is a Gaussian: z = mu + noise, mu and noise of known variance."""
    covariance = torch.tensor([[1.0, correlation], [correlation, 1.0]]).double()
    root = torch.linalg.cholesky(covariance - 0.1 * torch.eye(2).double())
    mu = torch.randn(batch, 2, dtype=torch.float64) @ root.mT
    q = Independent(Normal(mu, torch.full_like(mu, 0.1**0.5)), 1)
    p = Independent(Normal(torch.zeros(2).double(), torch.ones(2).double()), 1)
    px = Independent(Normal(torch.zeros(1, batch, 1).double(), 1.0), 1)
    return Terms(torch.zeros(batch, 1).double(), q.rsample(torch.Size((1,))), px, q, p)


def test_the_parts_of_the_kl_are_those_of_a_known_gaussian():
    correlation = 0.7
    with seeded(0):
        parts = BetaTCVAE().parts(gaussian_terms(2000, correlation))
    information, total, by_latent = (float(p.mean()) for p in parts)
    determinant = 1 - correlation**2
    assert total == pytest.approx(-0.5 * math.log(determinant), abs=0.05)
    assert information == pytest.approx(0.5 * math.log(determinant / 0.1**2), abs=0.1)
    assert by_latent == pytest.approx(0.0, abs=0.05)  # each latent is N(0, 1) by itself


def test_densities_of_pairs_ask_for_independent_latents():
    posterior = nelbo.posteriors.FullCovariance()
    model = nelbo.VAE((12,), 3, posterior=posterior)
    with pytest.raises(BadValue, match="a posterior whose latents are independent"):
        nelbo.fit(model, torch.ones(20, 12), objective=BetaTCVAE(), epochs=1, callbacks=[])


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"alpha": 1.5}, "alpha"),
        ({"alpha": 0.0, "weight": 0.5}, "weight"),  # Pythae's default rewards the discrepancy
        ({"kernel": "rbf"}, "kernel"),
    ],
)
def test_arguments_out_of_range_are_refused(arguments, name):
    with pytest.raises(BadValue, match=f"{name}: expected"):
        InfoVAE(**arguments)
