"""Hierarchies: one distribution over all levels, against the papers' formulas and quadrature."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy import stats
from torch.distributions import Independent, Normal

import nelbo
from nelbo import registry
from nelbo.distributions.top_down import Gaussian
from nelbo.errors import BadValue
from nelbo.evaluate import ELBO, ImportanceBound
from nelbo.objectives import FreeBits
from nelbo.posteriors.ladder import precision_weighted
from nelbo.rng import seeded
from tests.references.filled import fill

POSTERIORS = ["ladder", "residual_top_down", "residual_maps"]
MAPS = {"residual_maps": ("top_down_maps", "(1,1,{})")}  # a row of as many places


def model(posterior, levels=(1, 2), features=4, hidden=8):
    prior, form = MAPS.get(posterior, ("top_down", "{}"))
    text = ",".join(form.format(size) for size in levels)
    with seeded(0):
        built = nelbo.VAE(
            features,
            sum(levels),
            network=nelbo.networks.MLP(hidden=(8,)),
            posterior=registry.build("posterior", f"{posterior}:levels=({text},)"),
            prior=registry.build("prior", f"{prior}:levels=({text},),hidden={hidden}"),
        ).double()
    fill(built.prior)
    return built


def data(n=5, features=4):
    with seeded(1):
        return torch.rand(n, features, dtype=torch.float64)


# dense near the middle, and far out: the lower level lies far away where the upper one is extreme
def mass(distribution):
    t = torch.linspace(-6, 6, 1201, dtype=torch.float64)
    axis, weight = t.sinh(), t.cosh() * (t[1] - t[0])
    mean, width = (m.detach().flatten() for m in (distribution.mean, distribution.stddev))
    z = mean + width * torch.cartesian_prod(axis, axis)
    weights = torch.cartesian_prod(weight, weight).prod(1) * width.prod()
    with torch.no_grad():
        density = distribution.log_prob(z.view(-1, *distribution.batch_shape, 2)).exp().flatten()
    return z, weights * density


@pytest.mark.parametrize("posterior", [None, *POSTERIORS])
def test_two_levels_have_mass_one(posterior):
    built = model(posterior or "ladder", levels=(1, 1))
    distribution = built.encode(data(1)) if posterior else built.marginal()
    _, masses = mass(distribution)
    assert masses.sum().item() == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("posterior", [None, *POSTERIORS])
def test_draws_fall_where_the_density_is(posterior):
    built = model(posterior or "ladder", levels=(1, 1))
    distribution = built.encode(data(1)) if posterior else built.marginal()
    z, masses = mass(distribution)
    with seeded(2):
        draws = distribution.sample(torch.Size((20_000,))).view(-1, 2)
    for f in (lambda z: z, lambda z: z**2, lambda z: z.prod(1, keepdim=True)):
        exact, drawn = (masses[:, None] * f(z)).sum(0), f(draws)
        assert bool(((drawn.mean(0) - exact).abs() < 5 * drawn.std(0) / len(drawn) ** 0.5).all())


# Sonderby et al. 2016: mu = (m / s^2 + mu_p / sigma_p^2) / (1 / s^2 + 1 / sigma_p^2)
def test_merging_multiplies_the_densities():
    rng = np.random.default_rng(0)
    m, mu_p, a, b = rng.normal(size=(4, 50))
    mu, logvar = precision_weighted(*(Gaussian(*map(torch.tensor, g)) for g in ((m, a), (mu_p, b))))
    total = np.exp(-a) + np.exp(-b)
    assert_allclose(mu, (m * np.exp(-a) + mu_p * np.exp(-b)) / total, rtol=1e-12, atol=1e-14)
    assert_allclose(logvar.exp(), 1 / total, rtol=1e-12)
    x = rng.normal(size=(2, 50))  # p(x) ratios of the product are those of the factors
    factors = (m, np.exp(a / 2)), (mu_p, np.exp(b / 2))
    ratio = [sum(stats.norm.logpdf(x[i], *factor) for factor in factors) for i in (0, 1)]
    merged = [Normal(mu, torch.exp(logvar / 2)).log_prob(torch.tensor(x[i])) for i in (0, 1)]
    assert_allclose(merged[0] - merged[1], ratio[0] - ratio[1], rtol=1e-9, atol=1e-9)


def test_merging_with_something_sure_or_unsure_stays_finite():
    one = torch.ones(3)
    seen = Gaussian(one.clone().requires_grad_(), torch.tensor([-30.0, 0.0, 30.0]).requires_grad_())
    for logvar in (-10.0, 10.0):
        mu, merged = precision_weighted(seen, Gaussian(0 * one, logvar * one))
        grads = torch.autograd.grad((mu + merged).sum(), seen)
        assert all(bool(g.isfinite().all()) for g in (mu, merged, *grads))


@pytest.mark.parametrize("posterior", POSTERIORS)
def test_kl_per_latent_is_the_mean_log_ratio(posterior):
    built = model(posterior, levels=(2, 2, 3))
    with seeded(3):
        terms = built.terms(data(), samples=20_000)
    ratio = terms.log_qz - terms.log_pz
    # the difference of two estimates from the same draws
    each = ratio - terms.kl.sum(-1)
    assert terms.kl.shape == (5, 7)
    assert bool((each.mean(0).abs() < 5 * each.std(0) / 20_000**0.5).all())


@pytest.mark.parametrize("posterior", POSTERIORS)
def test_the_kept_walk_is_the_walk(posterior):
    built = model(posterior)
    with seeded(4):
        q = built.encode(data())
        z = q.rsample(torch.Size((6,)))
    p = built.marginal()
    assert_allclose(q.log_prob(z).detach(), q.log_prob(z.clone()).detach(), rtol=1e-12)
    kept, again = q.kl_per_latent(p, z), q.kl_per_latent(p, z.clone())
    assert_allclose(kept.detach(), again.detach(), rtol=1e-12)


def test_levels_that_ignore_each_other_are_the_diagonal_model():
    """With the blocks at zero, nothing goes down: a Gaussian prior of learned mean and variance."""
    built = model("residual_top_down", levels=(2, 3))
    with torch.no_grad():
        for block in built.prior.blocks:  # what a level adds to the state
            block.out.weight.zero_()
            block.out.bias.zero_()
    x = data()
    with seeded(5):
        terms = built.terms(x, samples=3)
    q, p = terms.q, terms.p
    diagonal, prior = (Independent(_gaussian(d), 1) for d in (q, p))
    assert_allclose(terms.log_qz.detach(), diagonal.log_prob(terms.z).detach(), rtol=1e-12)
    assert_allclose(terms.log_pz.detach(), prior.log_prob(terms.z).detach(), rtol=1e-12)
    closed = torch.distributions.kl_divergence(diagonal.base_dist, prior.base_dist)
    assert_allclose(terms.kl.detach(), closed.detach(), rtol=1e-9, atol=1e-12)
    assert_allclose(q.mean.detach(), diagonal.mean.detach(), rtol=1e-6)
    assert_allclose(q.variance.detach(), diagonal.variance.detach(), rtol=1e-6)


def _gaussian(distribution):
    """Return the conditionals of all levels where those above are 0."""
    steps = distribution._steps(torch.zeros(*distribution.batch_shape, 5, dtype=torch.float64))
    mu, logvar = (torch.cat([step.own[i] for step in steps], dim=-1) for i in (0, 1))
    return Normal(mu, torch.exp(logvar / 2))


@pytest.mark.parametrize("posterior", POSTERIORS)
@pytest.mark.parametrize("objective", [nelbo.objectives.ELBO(), FreeBits(nats=0.1)])
def test_gradients_reach_every_parameter(posterior, objective):
    built = model(posterior, levels=(2, 2, 3))
    with seeded(6):
        objective(built.terms(data(), samples=2)).mean().backward()
    for name, parameter in built.named_parameters():
        assert parameter.grad is not None, name
        assert bool(parameter.grad.abs().any()), name


@pytest.mark.parametrize("posterior", POSTERIORS)
@pytest.mark.parametrize("output", [0.0, 1.0, -30.0, 30.0])
def test_gradients_are_finite_at_extreme_outputs(posterior, output):
    built = model(posterior, levels=(1, 2)).float()
    with seeded(7):
        parameters = torch.full((4, *built.posterior.parameter_shape(3)), output)
        q = built.posterior(parameters.requires_grad_())
        z = q.rsample(torch.Size((3,)))
    value = q.log_prob(z).sum() + q.kl_per_latent(built.marginal(), z).sum()
    grads = torch.autograd.grad(value, [parameters, *built.prior.parameters()])
    assert all(bool(t.isfinite().all()) for t in (value, *grads))


def test_a_fresh_hierarchy_starts_at_the_standard_prior():
    with seeded(0):
        prior = nelbo.priors.TopDown(levels=(2, 3))
        prior.setup(5)
        z = torch.randn(7, 5)
    assert_allclose(prior().log_prob(z).detach(), stats.norm.logpdf(z).sum(-1), rtol=1e-5)


@pytest.mark.parametrize(
    ("posterior", "prior", "text"),
    [
        ("ladder:levels=(1,2)", "standard", "Use the prior 'top_down' with levels=\\(1, 2\\)"),
        ("residual_top_down:levels=(1,2)", "top_down:levels=(2,1)", "levels=\\(1, 2\\)"),
        ("ladder:levels=(1,3)", "top_down:levels=(1,3)", "latent=4"),
        ("diagonal", "top_down:levels=(4,16)", "latent=20"),
    ],
)
def test_what_does_not_fit_is_refused(posterior, prior, text):
    built = registry.build("posterior", posterior), registry.build("prior", prior)
    with pytest.raises(BadValue, match=text):
        nelbo.VAE(4, 3, posterior=built[0], prior=built[1])


def test_a_posterior_alone_is_refused():
    with pytest.raises(BadValue, match="connect"):
        nelbo.posteriors.Ladder(levels=(1, 2))(torch.zeros(5, 2, 3))


def test_an_independent_posterior_may_have_levels_as_its_prior():
    built = nelbo.VAE(4, 3, prior=nelbo.priors.TopDown(levels=(1, 2)))
    terms = built.terms(torch.rand(5, 4))
    assert not terms.has_closed_kl
    assert_allclose(terms.kl_total.detach(), (terms.log_qz - terms.log_pz).mean(0).detach())


@pytest.mark.parametrize("posterior", POSTERIORS)
def test_hierarchies_are_trained_saved_measured_and_diagnosed(posterior, tmp_path):
    built, x = model(posterior, levels=(2, 3)).float(), data(60).round().float()
    nelbo.fit(built, x, epochs=1, batch=20, out=tmp_path / "run", callbacks=[])
    loaded = nelbo.load(tmp_path / "run")
    with seeded(0):
        before = built.terms(x).log_w
    with seeded(0):
        assert_allclose(loaded.terms(x).log_w.detach(), before.detach(), rtol=1e-6)
    names = [name for name, _ in loaded.named_parameters()]
    assert len(names) == len(set(names)) == len(list(built.parameters()))
    assert loaded.sample(4, seed=0).shape == (4, 4)
    found = nelbo.evaluate(loaded, x, [ELBO(), ImportanceBound(samples=20)], seed=0)
    assert len(found["kl"].parts) == 5
    assert nelbo.diagnose(loaded, x) is not None
