"""An autoencoder: a posterior without a density is measured and diagnosed as far as can be."""

import pytest
import torch

import nelbo
from nelbo.errors import BadValue
from nelbo.evaluate import ImportanceBound, KLPerLatent, MutualInformation
from nelbo.rng import seeded
from nelbo.train.callbacks.watch import Watch


def autoencoder():
    posterior = nelbo.registry.build("posterior", "deterministic")
    return nelbo.VAE((1, 28, 28), 8, posterior=posterior)


@pytest.fixture(scope="module", name="digits")
def _digits():
    return nelbo.data.load("mnist").train.spread(1000)[:].round()


@pytest.fixture(scope="module", name="trained")
def _trained(digits):
    with seeded(0):
        model = autoencoder()
        model.initialise(digits.mean(0))
        adam = torch.optim.Adam(model.parameters(), lr=1e-3)
        for step in range(150):
            at = step % 10 * 100
            loss = -model.terms(digits[at : at + 100]).log_px.mean()
            adam.zero_grad()
            loss.backward()
            adam.step()
    return model


def test_the_default_estimators_leave_out_the_bound(trained, digits):
    found = nelbo.evaluate(trained, digits)
    assert "elbo" not in found
    assert "kl" not in found
    assert found["reconstruction"].value > -170
    assert found["active_units"].value == 8
    assert found["output_dependence"].value > 0.3


@pytest.mark.parametrize("estimator", [MutualInformation(), KLPerLatent(), ImportanceBound(1)])
def test_what_needs_a_density_says_so(trained, digits, estimator):
    with pytest.raises(BadValue, match=r"density|closed form"):
        nelbo.evaluate(trained, digits[:50], [estimator])


def test_a_trained_one_is_found_healthy(trained, digits):
    found = nelbo.diagnose(trained, digits)
    assert found.ok
    assert not found.findings
    assert found.forecast is None
    assert "mutual_information" not in found.measures


def test_one_that_learnt_nothing_is_found_and_no_kl_is_blamed(digits):
    with seeded(0):
        model = autoencoder()
    with torch.no_grad():
        for weight in model.decoder.parameters():
            weight.mul_(0.0)
    collapsed = next(f for f in nelbo.diagnose(model, digits).findings if f.code == "collapsed")
    assert "no KL" in collapsed.cause


def test_a_watch_looks_at_it_without_a_kl(trained, digits):
    watch = Watch()
    for _ in range(30):
        objective = nelbo.objectives.ELBO()
        watch.on_terms(0, lambda: trained.terms(digits[:50]), torch.zeros(()), objective)
    assert watch.monitor.findings == ()
