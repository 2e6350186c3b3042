"""Where training starts: noise at the spread of the data; what an encoder sees of it."""

import pytest
import torch

import nelbo
from nelbo import registry
from nelbo.rng import seeded

N, D = 4000, 3


def positive():
    """Return positive data whose features differ in scale and spread."""
    with seeded(0):
        return torch.exp(0.4 * torch.randn(N, D) + torch.tensor([0.0, 2.0, -3.0]))


def alike():
    """Return data whose features differ in their means only."""
    with seeded(0):
        return 0.3 * torch.randn(N, D) + torch.tensor([-2.0, 0.0, 5.0])


def counts():
    """Return negative binomial counts, more and less dispersed."""
    with seeded(0):
        rate = torch.distributions.Gamma(torch.tensor([0.7, 3.0, 20.0]), 0.5).sample((N,))
        return torch.poisson(rate)


ONE = {
    "gaussian": alike, "gaussian:sigma=optimal": alike, "laplace": alike, "logistic": alike,
    "student_t": alike, "student_t:dof=5": alike,
}  # fmt: skip
EACH = {
    "gaussian:sigma=per_feature": positive, "heteroscedastic": positive,
    "negative_binomial": counts, "negative_binomial:dispersion=predicted": counts,
}  # fmt: skip


def before_and_after(text, x):
    """Return p(x) where z says nothing: its mean log-density as built, and itself as started."""
    likelihood = registry.build("likelihood", text).eval()
    likelihood.setup((D,))
    mean, variance = x.mean(0), x.var(0, correction=0)
    before = likelihood(likelihood.output_at(mean)[None, None]).log_prob(x[:, None]).mean()
    likelihood.start(mean, variance)
    return before, likelihood(likelihood.output_at(mean)[None, None])


@pytest.mark.parametrize("text", ONE | EACH)
def test_noise_starts_at_the_spread_of_the_data(text):
    x = (ONE | EACH)[text]()
    before, after = before_and_after(text, x)
    variance = x.var(0, correction=0)
    expected = variance.mean().expand(D) if text in ONE else variance
    torch.testing.assert_close(after.variance[0, 0], expected, rtol=1e-4, atol=0)
    assert after.log_prob(x[:, None]).mean() > before


def test_relative_noise_starts_at_the_relative_spread():
    x = positive()
    _, after = before_and_after("log_normal", x)
    s2 = torch.log1p(x.var(0, correction=0) / x.mean(0) ** 2).mean()
    relative = (after.variance / after.mean**2)[0, 0]
    torch.testing.assert_close(relative, torch.expm1(s2).expand(D), rtol=1e-4, atol=0)
    assert s2.sqrt().item() == pytest.approx(0.4, rel=0.03)  # that of the draws


def test_extra_zeros_leave_the_dispersion_of_the_counts():
    x = counts()
    before, after = before_and_after("zero_inflated_negative_binomial", x)
    assert after.log_prob(x[:, None]).mean() > before


def test_what_is_stated_stays():
    for text in ("gaussian:variance=0.5", "laplace:scale=2.0"):
        likelihood = registry.build("likelihood", text)
        variance = likelihood.implied_variance
        likelihood.start(torch.zeros(D), torch.full((D,), 7.0))
        assert likelihood.implied_variance == variance


def test_a_sigma_that_starts_at_no_spread_still_has_a_gradient():
    likelihood = nelbo.likelihoods.Gaussian(sigma="per_feature")
    likelihood.setup((D,))
    likelihood.start(torch.zeros(D), torch.zeros(D))
    likelihood(torch.zeros(1, 1, D)).log_prob(torch.ones(1, D)).sum().backward()
    (rho,) = likelihood.parameters()
    assert bool(rho.isfinite().all())
    assert bool((rho.grad > 0.1).all())


def test_counts_without_overdispersion_start_near_a_poisson():
    likelihood = nelbo.likelihoods.NegativeBinomial()
    likelihood.setup((D,))
    mean = torch.tensor([1.0, 5.0, 50.0])
    likelihood.start(mean, 0.9 * mean)
    variance = likelihood.noise_variance(mean)
    assert variance is not None
    assert bool((variance / mean < 1.1).all())


def test_gaps_and_covariates_are_no_part_of_the_spread():
    x = positive()
    holes = torch.where(torch.rand(x.shape) < 0.5, torch.nan, x)
    model = nelbo.VAE(D, 2, likelihood=nelbo.likelihoods.Gaussian(), covariates=2, missing=True)
    row = nelbo.data.beside(holes, torch.full((N, 2), 1e6))
    mean = torch.cat((holes.nanmean(0), torch.full((2,), 1e6)))
    model.initialise(mean, torch.cat((holes, torch.full((N, 2), 1e6)), 1))
    expected = (holes - holes.nanmean(0)).square().nanmean(0).mean().item()
    assert model.likelihood.implied_variance == pytest.approx(expected, rel=1e-4)
    assert len(row) == N


def test_an_encoder_sees_counts_by_their_logarithms_and_pseudo_inputs_too():
    model = nelbo.VAE(D, 2, likelihood=nelbo.likelihoods.Poisson())
    big = torch.tensor([[0.0, 10.0, 1e6]])
    seen = model.seen(big)
    torch.testing.assert_close(
        seen[0, 2] - seen[0, 1], torch.log(torch.tensor(1e5)), rtol=1e-3, atol=0
    )
    assert bool(model.seen(-big).isfinite().all())
    assert torch.equal(nelbo.VAE(D, 2).seen(big), big)


def test_each_column_is_shown_as_its_likelihood_shows_it():
    likelihood = registry.build("likelihood", "columns:parts=(gaussian,poisson,log_normal)")
    model = nelbo.VAE(D, 2, likelihood=likelihood)
    x = torch.tensor([[-3.0, 100.0, 1e-4]])
    expected = [-3.0, torch.asinh(x[0, 1]).item(), torch.log(x[0, 2]).item()]
    assert model.seen(x)[0].tolist() == pytest.approx(expected)
