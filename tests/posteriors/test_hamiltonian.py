"""Hamiltonian posteriors: unbiased evidence, gradients, any model; no density but of own draws."""

import math

import pytest
import torch
from torch.distributions import MultivariateNormal

import nelbo
from nelbo import registry
from nelbo.errors import BadValue
from nelbo.evaluate import ELBO, ImportanceBound
from nelbo.rng import seeded
from nelbo.terms import Terms
from nelbo.testing.surroundings import linear_model

BOTH = ["hamiltonian:steps=3,step_size=0.1", "riemannian:steps=3,step_size=0.03,centroids=8"]
PLAIN = [f"{text},beta_zero=1" for text in BOTH]
BATCH, LATENT = 3, 2


def made(text, latent=LATENT, batch=BATCH):
    """Return a posterior in float64, with a metric if it has one, and outputs of an encoder."""
    with seeded(0):
        posterior = registry.build("posterior", text)
        posterior.setup(latent)
        posterior = posterior.double().eval()
        if "riemannian" in text:
            posterior.centres.normal_()
            posterior.factors.normal_().tril_().mul_(0.7)
        outputs = 0.5 * torch.randn(batch, *posterior.parameter_shape(latent)).double()
    return posterior, outputs


def terms_of(posterior, outputs, samples, latent=LATENT):
    context = linear_model(len(outputs), latent)
    q = posterior.within(outputs, context)
    z = q.rsample(torch.Size((samples,)))
    return Terms(context.x, z, context.decode(z), q, context.prior())


def log_evidence(batch=BATCH, latent=LATENT):
    x = linear_model(batch, latent).x
    weight = torch.arange(latent * 4, dtype=torch.float64).cos().view(latent, 4)
    covariance = weight.T @ weight + torch.eye(4, dtype=torch.float64)
    return MultivariateNormal(torch.zeros(4, dtype=torch.float64), covariance).log_prob(x)


@pytest.mark.parametrize("text", [*BOTH, *PLAIN])
def test_evidence_is_unbiased(text):
    posterior, outputs = made(text)
    with seeded(1), torch.no_grad():
        ratios = torch.exp(terms_of(posterior, outputs, 50_000).log_w - log_evidence())
    error = ratios.std(0) / len(ratios) ** 0.5
    assert error.max() < 0.02
    assert ((ratios.mean(0) - 1).abs() < 5 * error).all()


def log_weights(steps, beta_zero):
    """Return log w of draws that start three deviations off, as wide as the prior."""
    posterior, outputs = made(f"hamiltonian:steps={steps},step_size=0.15,beta_zero={beta_zero}")
    outputs = torch.tensor([[1.5], [0.0]], dtype=torch.float64).expand_as(outputs)
    with seeded(2), torch.no_grad():
        return terms_of(posterior, outputs, 20_000).log_w


def test_bound_rises_towards_the_evidence_with_more_steps():
    values = [log_weights(steps, 0.2) for steps in (1, 3, 6, 10)]
    for less, more in zip(values, values[1:], strict=False):
        gain = more - less
        assert (gain.mean(0) > 5 * gain.std(0) / len(gain) ** 0.5).all()
    below = [log_evidence() - value.mean(0) for value in values]
    assert (below[-1] > 0).all()
    assert (below[-1] < 0.7 * below[0]).all()


def test_without_tempering_the_bound_stays_what_it_was():
    """As the energy does: what is left is the leapfrog's own error, of second order."""
    start = made("hamiltonian")[1]
    q = nelbo.posteriors.Diagonal()(torch.tensor([[1.5], [0.0]]).double().expand_as(start))
    context = linear_model(BATCH, LATENT)
    with seeded(2):
        z = q.sample(torch.Size((20_000,)))
    before = context.decode(z).log_prob(context.x) + context.prior().log_prob(z) - q.log_prob(z)
    after = log_weights(10, 1)
    assert ((after - before).mean(0).abs() < 0.02 * before.std(0)).all()


@pytest.mark.parametrize("text", BOTH)
def test_gradient_of_the_bound_is_that_of_differences(text):
    posterior, outputs = made(text)
    outputs.requires_grad_()
    leaves = [outputs, *posterior.parameters()]

    def bound():
        with seeded(3):
            return terms_of(posterior, outputs, 5).log_w.mean()

    slopes = torch.autograd.grad(bound(), leaves)
    for leaf, slope in zip(leaves, slopes, strict=True):
        assert slope.isfinite().all()
        direction = torch.ones_like(leaf)
        ends = []
        for sign in (1, -1):
            with torch.no_grad():
                leaf.add_(sign * 1e-5 * direction)
                ends.append(bound())
                leaf.sub_(sign * 1e-5 * direction)
        numeric = ((ends[0] - ends[1]) / 2e-5).item()
        assert (slope * direction).sum().item() == pytest.approx(numeric, rel=1e-6, abs=1e-8)


@pytest.mark.parametrize("text", BOTH)
def test_without_gradients_nothing_else_comes_out(text):
    posterior, outputs = made(text)
    with seeded(4):
        learning = terms_of(posterior, outputs, 5)
    with seeded(4), torch.no_grad():
        still = terms_of(posterior, outputs, 5)
        assert not still.z.requires_grad
        assert not still.q.mean.requires_grad
    torch.testing.assert_close(still.log_w, learning.log_w)


@pytest.mark.parametrize("text", BOTH)
def test_density_is_known_for_the_latest_draw_alone(text):
    posterior, outputs = made(text)
    terms = terms_of(posterior, outputs, 2)
    q, z = terms.q, terms.z
    assert q.log_prob(z).shape == (2, BATCH)
    for other in (z.detach(), z.clone(), z + 1):
        with pytest.raises(BadValue, match="momentum they were drawn with is not known"):
            q.log_prob(other)
    q.rsample(torch.Size((2,)))
    with pytest.raises(BadValue, match="drew last"):
        q.log_prob(z)


@pytest.mark.parametrize("text", ["hamiltonian", "riemannian"])
def test_by_itself_it_says_whom_to_ask(text):
    posterior, outputs = made(text)
    with pytest.raises(BadValue, match=r"model.encode\(x\)"):
        posterior(outputs)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("hamiltonian:steps=0", "steps"),
        ("hamiltonian:step_size=0", "step_size"),
        ("hamiltonian:beta_zero=1.5", "beta_zero"),
        ("hamiltonian:beta_zero=0", "beta_zero"),
        ("riemannian:centroids=0", "centroids"),
        ("riemannian:temperature=0", "temperature"),
        ("riemannian:regularisation=-1", "regularisation"),
    ],
)
def test_values_out_of_range_are_refused(text, what):
    with pytest.raises(BadValue, match=f"^{what}: expected"):
        registry.build("posterior", text)


def test_step_size_begins_where_it_is_told_to_and_stays_within_ten_times_that():
    posterior, _ = made("hamiltonian:step_size=0.02")
    assert posterior.size().tolist() == pytest.approx([0.02] * LATENT, rel=1e-12)
    with torch.no_grad():
        posterior.size.shift.fill_(1e3)
    assert posterior.size().tolist() == pytest.approx([0.2] * LATENT, rel=1e-12)


def model(text, **options):
    with seeded(0):
        network = nelbo.networks.MLP(hidden=(8,))
        posterior = registry.build("posterior", text)
        return nelbo.VAE((6,), 2, network=network, posterior=posterior, **options)


SMOOTH = ["bernoulli", "continuous_bernoulli", "gaussian:sigma=learned", "gaussian:sigma=optimal",
          "laplace", "student_t", "beta", "poisson", "negative_binomial"]  # fmt: skip


@pytest.mark.parametrize("posterior", BOTH)
@pytest.mark.parametrize("likelihood", SMOOTH)
def test_any_smooth_likelihood_will_do(posterior, likelihood):
    vae = model(posterior, likelihood=registry.build("likelihood", likelihood))
    with seeded(1):
        x = (torch.rand(5, 6) > 0.5).float()
        x = x.clamp(0.1, 0.9) if likelihood in ("beta", "continuous_bernoulli") else x
        vae.terms(x, samples=3).log_w.mean().backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in vae.parameters())
    for name, parameter in vae.posterior.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize("posterior", BOTH)
@pytest.mark.parametrize("prior", ["mixture:components=3", "maf:hidden=8"])
def test_any_euclidean_prior_will_do(posterior, prior):
    vae = model(posterior, prior=registry.build("prior", prior))
    vae.terms(torch.ones(5, 6)).log_w.mean().backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in vae.parameters())


@pytest.mark.parametrize("text", BOTH)
def test_missing_entries_have_no_part(text):
    vae = model(text, missing=True)
    x = torch.ones(5, 6)
    x[:, 2] = math.nan
    terms = vae.terms(x, samples=2)
    assert terms.log_w.isfinite().all()
    terms.log_w.mean().backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in vae.parameters())


@pytest.mark.parametrize("text", BOTH)
def test_objectives_that_need_the_density_elsewhere_are_refused(text):
    with pytest.raises(BadValue, match="'elbo' or 'iwae'"):
        nelbo.fit(model(text), torch.ones(8, 6), objective=registry.build("objective", "stl"))


@pytest.mark.parametrize("text", BOTH)
def test_it_trains_samples_is_measured_and_comes_back(text, tmp_path):
    with seeded(0):
        data = (torch.rand(200, 1) > 0.5).float().expand(200, 6).contiguous()
    vae = model(text)
    before = nelbo.evaluate(vae, data, [ELBO()])["elbo"].value
    nelbo.fit(vae, data, epochs=20, batch=20, lr=1e-2, out=tmp_path / "run", compile=False)
    found = nelbo.evaluate(vae, data, [ELBO(), ImportanceBound(samples=20)])
    assert found["elbo"].value > before + 1
    assert found["importance_bound"].value > found["elbo"].value
    assert vae.sample(3, seed=0).isfinite().all()
    again = nelbo.load(tmp_path / "run")
    assert nelbo.evaluate(again, data, [ELBO()])["elbo"] == found["elbo"]
    nelbo.diagnose(vae, data)


def test_the_metric_has_the_latest_training_examples_and_evaluation_leaves_it_alone():
    vae = model("riemannian:centroids=7")
    x = torch.rand(5, 6).round()
    vae.eval()
    vae.terms(x)
    assert not vae.posterior.centres.any()
    vae.train()
    mu = vae.encoder(x)[:, :2]
    vae.terms(x)
    torch.testing.assert_close(vae.posterior.centres, torch.cat((mu, torch.zeros(2, 2))))
    second = torch.rand(5, 6).round()
    vae.terms(second)
    new = vae.encoder(second)[:, :2]
    torch.testing.assert_close(vae.posterior.centres, torch.cat((new, mu[:2])))
