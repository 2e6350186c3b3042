"""Priors fitted after training: what they must reach, and what must stay as it is."""

import copy
import json
import os
import signal

import numpy as np
import pytest
import torch
from sklearn.mixture import GaussianMixture
from torch import nn
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

import nelbo
from nelbo import fit_prior, registry
from nelbo.errors import BadValue, Failed
from nelbo.priors import MAF, AutoregressiveCodes, Mixture, Standard, TwoStage, Vamp
from nelbo.rng import seeded
from nelbo.train import Callback


class Told(Callback):
    def __init__(self):
        self.lines = []

    def on_note(self, message):
        self.lines.append(message)


def state(model):
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def quickly(model, x, prior, **settings):
    return fit_prior(model, x, prior, **{"epochs": 2, "batch": 10, "callbacks": [], **settings})


@pytest.mark.parametrize("prior", [Mixture(3), Vamp(4), MAF(layers=1, hidden=8), TwoStage(8)])
@pytest.mark.parametrize("posterior", ["diagonal", "deterministic", "full_covariance"])
def test_all_but_the_prior_stays_as_it_was(make, x, posterior, prior):
    model = make(posterior=registry.build("posterior", posterior)).train()
    before, untouched = state(model), copy.deepcopy(prior)
    if posterior == "deterministic" and isinstance(prior, Vamp):
        pytest.skip("a mixture of points has no density")
    random = torch.get_rng_state()
    fitted = quickly(model, x, prior)
    assert torch.equal(torch.get_rng_state(), random)
    assert same(state(model), before)
    assert model.training
    assert not fitted.training
    assert state(prior).keys() == state(untouched).keys()  # it was copied
    after = state(fitted)
    kept = [name for name in before if not name.startswith("prior.")]
    assert all(torch.equal(after[name], before[name]) for name in kept)
    assert type(fitted.prior) is type(prior)
    assert all(p.requires_grad and p.grad is None for p in fitted.parameters())
    assert fitted.sample(5, seed=0).isfinite().all()


def test_a_codebook_stays_too(make, x):
    model = make(posterior=nelbo.posteriors.VQ(codes=4, dim=1), prior=nelbo.priors.UniformCodes())
    nelbo.fit(model, x, objective=nelbo.objectives.VQELBO(), epochs=1, callbacks=[])
    before = state(model.train())
    fitted = quickly(model, x, AutoregressiveCodes(hidden=8), epochs=30, lr=0.03)
    assert same(state(model), before)
    assert same(state(fitted.posterior), state(model.posterior))
    rose = fitted.eval().terms(x).log_pz.mean() - model.eval().terms(x).log_pz.mean()
    assert rose > 0.1


def test_same_seed_same_prior(make, x):
    a, b, c = (state(quickly(make(), x, Mixture(3), seed=seed)) for seed in (0, 0, 1))
    assert same(a, b)
    assert not same(a, c)


def test_the_elbo_rises_by_exactly_what_log_pz_rises(make, x):
    model = make().double().eval()
    x = x.double()
    fitted = quickly(model, x, Mixture(3))
    with seeded(0):
        old = model.terms(x, samples=50)
    with seeded(0):
        new = fitted.terms(x, samples=50)
    assert fitted.prior.mean.dtype == torch.float64
    assert torch.equal(old.z, new.z)
    gained = (new.log_w - old.log_w).mean()
    assert torch.allclose(gained, (new.log_pz - old.log_pz).mean(), rtol=1e-10)


class _Passing(nn.Module):
    """An encoder that puts out its input, as mean, with a fixed variance."""

    def __init__(self, logvar):
        super().__init__()
        self.logvar, self.unused = logvar, nn.Parameter(torch.zeros(()))

    def forward(self, x):
        return torch.stack((x, torch.full_like(x, self.logvar)), dim=1)


def linear_toy(n, seed):
    """Return a model, data and the aggregate posterior, a mixture of three Gaussians."""
    model = nelbo.VAE(2, latent=2, network=nelbo.networks.MLP(hidden=(4,)))
    model.likelihood = nelbo.likelihoods.Gaussian(variance=1.0)
    model.encoder = _Passing(np.log(0.09))
    weights = torch.tensor([0.5, 0.3, 0.2])
    means = torch.tensor([[-2.0, 0.0], [1.0, 2.0], [2.0, -2.0]])
    with seeded(seed):
        k = Categorical(weights).sample((n,))
        x = means[k] + 0.4 * torch.randn(n, 2)
    sigma = torch.full((3, 2), (0.4**2 + 0.09) ** 0.5)  # of x, and of the posterior around it
    truth = MixtureSameFamily(Categorical(weights), Independent(Normal(means, sigma), 1))
    return model, x, truth


def test_it_finds_a_known_aggregate_posterior():
    model, x, truth = linear_toy(10_000, seed=0)
    fitted = fit_prior(model, x, Mixture(components=3), epochs=3, batch=500, callbacks=[])
    with seeded(1), torch.no_grad():
        z = truth.sample((20_000,))
        ratio = truth.log_prob(z) - fitted.marginal().log_prob(z)
    error = 5 * (ratio.std() / len(z) ** 0.5).item()
    assert -error < ratio.mean() < 0.02


@pytest.fixture(scope="module")
def digits():
    """Models of MNIST, trained a little: by posterior."""
    data = nelbo.data.load("mnist", transform="static_binarise")
    train, test = data.train.take(range(4000)), data.test.take(range(2000))
    found = {}
    for name, objective in (("diagonal", "elbo"), ("deterministic", "rae_l2")):
        with seeded(0):
            model = nelbo.VAE(
                train.shape,
                latent=5,
                network=nelbo.networks.MLP(hidden=(100,)),
                posterior=registry.build("posterior", name),
            )
            model.initialise(train.mean())
        built = registry.build("objective", objective)
        nelbo.fit(model, train, objective=built, epochs=3, callbacks=[])
        found[name] = model.eval()
    return found, train, test


@torch.no_grad()
def latents(model, data):
    with seeded(0):
        return model.encode(data[:]).sample()


@pytest.mark.parametrize("text", ["mixture", "maf:hidden=32", "two_stage:hidden=64"])
@pytest.mark.parametrize("posterior", ["diagonal", "deterministic"])
def test_on_mnist_log_pz_rises_by_more_than_its_error(digits, posterior, text):
    models, train, test = digits
    model, prior = models[posterior], registry.build("prior", text)
    fitted = fit_prior(model, train, prior, epochs=3, batch=200, lr=3e-3, callbacks=[])
    z = latents(model, test)
    with seeded(0), torch.no_grad():
        gained = fitted.marginal().log_prob(z) - model.marginal().log_prob(z)
    assert gained.mean() > 5 * gained.std() / len(z) ** 0.5


@pytest.mark.parametrize("posterior", ["diagonal", "deterministic"])
def test_a_mixture_is_as_good_as_expectation_maximisation_alone(digits, posterior):
    models, train, test = digits
    z, unseen = latents(models[posterior], train), latents(models[posterior], test)
    theirs = GaussianMixture(10, covariance_type="diag", random_state=0, max_iter=500)
    theirs = theirs.fit(z.numpy()).score(unseen.numpy())
    fitted = fit_prior(models[posterior], train, Mixture(10), epochs=2, callbacks=[])
    with torch.no_grad():
        ours = fitted.marginal().log_prob(unseen).mean().item()
    assert ours > theirs - 0.05


def test_the_best_epoch_is_kept_and_never_worse_than_the_start(make, x):
    told = Told()
    fitted = quickly(make(), x, Mixture(3), epochs=4, lr=30.0, callbacks=[told])
    held_out = [float(line.rpartition("held out ")[2].split()[0]) for line in told.lines]
    assert len(held_out) == 5
    assert told.lines[0].startswith("at the start")
    assert held_out[0] == max(held_out)
    gentle = quickly(make(), x, Mixture(3), epochs=1, lr=1e-12)
    ours, theirs = fitted.prior.state_dict(), gentle.prior.state_dict()
    assert all(torch.allclose(ours[n], theirs[n], atol=1e-6) for n in ours)


def test_a_prior_that_depends_on_covariates_may_come_later(make, x):
    with seeded(0):
        y = torch.eye(2)[torch.randint(2, (33,))]
    both = nelbo.data.beside(x.flatten(1), y)
    model = nelbo.VAE(6, 2, network=nelbo.networks.MLP(hidden=(4,)), covariates=2)
    text = next((t for t in registry.names("prior") if t == "conditional"), "mixture")
    fitted = quickly(model, both, registry.build("prior", text))
    assert fitted.sample(2, y=torch.eye(2)).shape == (2, 6)


def test_what_cannot_be_fitted_is_refused(make, x, tmp_path):
    with pytest.raises(BadValue, match="prior Standard: expected one that learns"):
        quickly(make(), x, Standard())
    with pytest.raises(BadValue, match="expected a density on R"):
        quickly(make(), x, AutoregressiveCodes())
    with pytest.raises(BadValue, match="epochs: expected an integer of at least 1"):
        quickly(make(), x, Mixture(3), epochs=0)
    with pytest.raises(BadValue, match="expected at least 2 examples"):
        quickly(make(), x[:1], Mixture(3))
    with pytest.raises(BadValue, match="data: expected shape"):
        quickly(make(), torch.rand(9, 7).round(), Mixture(3))
    (tmp_path / "mine").touch()
    with pytest.raises(BadValue, match="expected a new or empty folder"):
        quickly(make(), x, Mixture(3), out=tmp_path)


def test_a_posterior_made_of_the_prior_is_refused(x):
    priors = [nelbo.priors.TopDown(levels=(1, 2)) for _ in range(2)]
    ladder = nelbo.posteriors.Ladder(levels=(1, 2))
    model = nelbo.VAE(
        (1, 2, 3), 3, nelbo.networks.MLP(hidden=(4,)), posterior=ladder, prior=priors[0]
    )
    with torch.no_grad():
        for p in model.prior.parameters():
            p.add_(1.0)
    with pytest.raises(BadValue, match="posterior Ladder: expected one that stays the same"):
        quickly(model, x, priors[1])


def test_a_density_that_is_not_finite_is_said(make, x):
    with pytest.raises(Failed, match="expected a finite log p"):
        quickly(make(), x, MAF(layers=1, hidden=8), lr=1e30)


def test_the_folder_holds_the_new_model_and_says_what_it_was_fitted_to(make, x, tmp_path):
    out, model = tmp_path / "sampler", make()
    fitted = quickly(model, x, Mixture(3), out=out, about={"run": "runs/first"})
    loaded = nelbo.load(out)
    assert same(state(loaded), state(fitted))
    config = json.loads((out / "config.json").read_text())
    assert config["model"]["prior"] == {"name": "mixture", "arguments": {"components": 3}}
    assert config["data"]["run"] == "runs/first"
    assert config["data"]["examples"] == 33
    assert len(config["fitted_to"]["weights"]) == 64
    lines = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [0, 1, 2]
    with pytest.raises(BadValue, match="as it began"):
        nelbo.fit(fitted, x, out=out, resume=True, callbacks=[])
    with pytest.raises(BadValue, match="another run"):
        quickly(model, x, Mixture(3), out=out)


def test_ctrl_c_leaves_nothing(make, x, tmp_path):
    class Stop(Callback):
        def on_note(self, message):
            if message.startswith("epoch 1"):
                os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        quickly(make(), x, Mixture(3), out=tmp_path / "run", callbacks=[Stop()])
    assert list(tmp_path.iterdir()) == []
