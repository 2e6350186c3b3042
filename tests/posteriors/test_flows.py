"""Flows as posteriors: what holds for all of them, against autograd's own Jacobian."""

import subprocess
import sys

import pytest
import torch
from torch.autograd.functional import jacobian

import nelbo
from nelbo import registry
from nelbo.errors import BadValue, Failed
from nelbo.rng import seeded

FLOWS = [
    "planar:layers=3",
    "radial:layers=3",
    "iaf:hidden=8,context=3",
    "spline:hidden=8,context=3",
]
ALL = [*FLOWS, "iaf:hidden=8,context=0", "spline:hidden=8,context=0,layers=1"]


def made(text, latent, batch=2, dtype=torch.float64):
    with seeded(0):
        posterior = registry.build("posterior", text)
        posterior.setup(latent)
        posterior = posterior.to(dtype)
        return posterior, 2 * torch.randn(batch, *posterior.parameter_shape(latent), dtype=dtype)


@pytest.mark.parametrize("latent", [1, 4])
@pytest.mark.parametrize("text", ALL)
def test_log_determinant_is_that_of_autograds_jacobian(text, latent):
    posterior, outputs = made(text, latent, batch=1)
    bijection = posterior(outputs).bijection
    u = torch.linspace(-1, 2, latent, dtype=torch.float64)[None]
    slopes = jacobian(lambda v: bijection.forward(v)[0], u)[0, :, 0]
    expected = torch.linalg.slogdet(slopes)[1]
    assert bijection.forward(u)[1].item() == pytest.approx(expected.item(), abs=1e-6)
    assert bijection.inverse(bijection.forward(u)[0])[1].item() == pytest.approx(expected.item())


@pytest.mark.parametrize("latent", [1, 4])
@pytest.mark.parametrize("text", ALL)
def test_inverse_gives_the_noise_back(text, latent):
    posterior, outputs = made(text, latent)
    bijection = posterior(outputs).bijection
    u = torch.linspace(-3, 3, 5 * 2 * latent, dtype=torch.float64).view(5, 2, latent)
    assert torch.allclose(bijection.inverse(bijection.forward(u)[0])[0], u, atol=1e-9)


@pytest.mark.parametrize("text", FLOWS)
def test_density_of_the_draw_is_that_of_an_equal_tensor(text):
    posterior, outputs = made(text, 3)
    q = posterior(outputs)
    z = q.rsample(torch.Size((4,)))
    assert torch.allclose(q.log_prob(z), q.log_prob(z.clone()))


@pytest.mark.parametrize("text", FLOWS)
def test_path_and_score_make_up_the_whole_gradient(text):
    posterior, outputs = made(text, 3)
    q = posterior(outputs.requires_grad_())
    z = q.rsample()
    at = z.detach().requires_grad_()
    (pull,) = torch.autograd.grad(q.log_prob(at).sum(), at, retain_graph=True)
    (path,) = torch.autograd.grad(z, outputs, pull, retain_graph=True)
    (score,) = torch.autograd.grad(q.log_prob(z.detach()).sum(), outputs, retain_graph=True)
    (whole,) = torch.autograd.grad(q.log_prob(z).sum(), outputs)
    assert torch.allclose(path + score, whole, atol=1e-8)


@pytest.mark.parametrize("size", [0.0, 1.0, -30.0, 30.0])
@pytest.mark.parametrize("text", [*FLOWS, "full_covariance"])
def test_extreme_outputs_leave_values_and_gradients_finite(text, size):
    posterior, outputs = made(text, 5, dtype=torch.float32)
    outputs = torch.full_like(outputs, size).requires_grad_()
    q = posterior(outputs)
    z = q.rsample(torch.Size((3,)))
    value = q.log_prob(z).sum() + 1e-3 * z.sum()
    gradients = torch.autograd.grad(value, (outputs, *posterior.parameters()))
    assert value.isfinite()
    assert q.log_prob(z.detach()).isfinite().all()
    assert all(g.isfinite().all() for g in gradients)


@pytest.mark.parametrize("text", ["planar", "radial", "full_covariance"])
def test_outputs_of_zero_are_the_standard_gaussian(text):
    posterior, outputs = made(text, 3)
    z = torch.linspace(-2, 2, 6, dtype=torch.float64).view(2, 3)
    p = nelbo.priors.Standard()
    p.setup(3)
    expected = p.double()().log_prob(z)
    assert torch.allclose(posterior(torch.zeros_like(outputs)).log_prob(z), expected)


@pytest.mark.parametrize(
    "text", ["planar:layers=0", "radial:layers=0", "iaf:layers=0", "iaf:hidden=0", "spline:bins=1"]
)
def test_what_is_too_small_is_refused(text):
    with pytest.raises(BadValue, match="at least"):
        registry.build("posterior", text)


def test_zuko_leaves_the_checks_of_torchs_distributions_on():
    code = (
        "import nelbo, torch; nelbo.posteriors.IAF().setup(3); "
        "assert torch.distributions.Distribution._validate_args"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(("axis", "name"), [("posterior", "iaf"), ("prior", "maf")])
def test_without_zuko_the_error_says_how_to_get_it(axis, name, monkeypatch):
    monkeypatch.setitem(sys.modules, "zuko.flows", None)
    with pytest.raises(Failed, match=r"pip install 'nelbo\[flows\]'"):
        registry.build(axis, name).setup(3)


@pytest.mark.parametrize("text", [*FLOWS, "full_covariance"])
def test_model_has_an_elbo_and_its_samples(text):
    with seeded(0):
        model = nelbo.VAE(6, latent=2, posterior=registry.build("posterior", text))
        terms = model.terms(torch.rand(5, 6), samples=3)
    assert terms.kl_total.shape == (5,)
    assert terms.log_w.shape == (3, 5)
    assert model.sample(4, seed=0).shape == (4, 6)
