"""Free bits, capacities and controllers do what their papers say."""

import pytest
import torch
from torch.testing import assert_close

import nelbo
from nelbo.errors import BadValue
from nelbo.objectives import GECO, Capacity, ControlVAE, FreeBits, Linear
from nelbo.rng import seeded
from tests.objectives.linear_gaussian import LinearGaussian


def pairs(rows=600):
    """Six coins, each seen twice: 4.2 nats that latents can carry."""
    with seeded(0):
        x = (torch.rand(rows, 12) < 0.5).float()
    x[:, 6:] = x[:, :6]
    return x


def trained(objective, epochs=40, posterior=None):
    with seeded(0):
        network = nelbo.networks.MLP(hidden=(32,))
        model = nelbo.VAE(data_shape=(12,), latent=6, network=network, posterior=posterior)
    return nelbo.fit(model, pairs(), objective=objective, epochs=epochs, batch=50, lr=5e-3,
                     callbacks=[])  # fmt: skip


def test_a_latent_below_its_free_nats_has_no_gradient_of_its_kl():
    model = LinearGaussian()
    with seeded(0):
        terms = model.terms(1)
    kl = terms.kl.mean(0).detach()
    between = float(kl.mean())
    value = FreeBits(nats=between)(terms).sum()
    got = torch.autograd.grad(value, model.logvar, retain_graph=True)[0]
    paid = (kl > between).double()
    assert 0 < paid.sum() < len(paid)
    cost = (terms.log_px.mean(0).sum(), -(terms.kl * paid).sum())
    expected = sum(torch.autograd.grad(c, model.logvar, retain_graph=True)[0] for c in cost)
    assert_close(got, expected)


def test_free_bits_ask_for_a_kl_per_latent():
    model = nelbo.VAE(data_shape=(12,), latent=6, prior=nelbo.priors.Mixture(components=2))
    with pytest.raises(BadValue, match="KL per latent: expected"):
        nelbo.fit(model, pairs(), objective=FreeBits(), epochs=1, callbacks=[])


def test_a_capacity_holds_the_kl():
    end = trained(Capacity(nats=2.0, gamma=30.0)).history[-1]
    assert end["kl"] == pytest.approx(2.0, abs=0.3)


def test_a_rising_capacity_is_checked_against_the_run():
    with pytest.raises(BadValue, match="warm-up"):
        trained(Capacity(nats=Linear(steps=10_000)), epochs=1)


def test_geco_reaches_the_reconstruction_it_is_asked_for():
    objective = GECO(nats=-5.0, rate=0.02, momentum=0.9)
    run = trained(objective, epochs=60)
    assert run.history[-1]["reconstruction"] == pytest.approx(-5.0, abs=0.5)
    assert float(objective.multiplier) != 1.0


def test_geco_moves_its_multiplier_as_the_paper_says():
    objective = GECO(nats=-3.0, rate=0.1, momentum=0.5).double()
    with seeded(0):
        terms = LinearGaussian().terms(1)
    missing = -3.0 - float(terms.log_px.mean().detach())
    objective(terms)
    first = torch.tensor(min(max(0.1 * missing, -1.0), 1.0)).exp()
    assert float(objective.multiplier) == pytest.approx(float(first), rel=1e-6)
    objective.eval()
    objective(terms)
    assert float(objective.multiplier) == pytest.approx(float(first), rel=1e-6)


def test_a_controller_holds_the_kl_where_it_was_told():
    objective = ControlVAE(nats=3.0, integral=0.01)
    run = trained(objective, epochs=60)
    assert run.history[-1]["kl"] == pytest.approx(3.0, abs=0.3)


def test_a_controllers_integral_rests_at_the_end_of_its_range():
    objective = ControlVAE(nats=1000.0, integral=0.1, largest=2.0).double()
    with seeded(0):
        terms = LinearGaussian().terms(1)
    for _ in range(50):
        objective(terms)
    assert float(objective.beta) < 0.02  # of the proportional part alone
    wound = float(objective.summed)
    assert wound > -200  # one step beyond the end at most, not fifty


def test_what_an_objective_remembers_is_resumed(tmp_path):
    runs = []
    for stop in (False, True):
        objective, out = ControlVAE(nats=3.0, integral=0.01), tmp_path / f"run{stop}"
        for epochs in (2, 4) if stop else (4,):
            with seeded(0):
                network = nelbo.networks.MLP(hidden=(8,))
                model = nelbo.VAE(data_shape=(12,), latent=2, network=network)
            objective = ControlVAE(nats=3.0, integral=0.01)
            nelbo.fit(model, pairs(), objective=objective, epochs=epochs, callbacks=[], out=out,
                      resume=epochs == 4 and stop)  # fmt: skip
        runs.append((objective.summed, objective.beta, *model.parameters()))
    for a, b in zip(*runs, strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize(
    ("build", "name"),
    [
        (lambda: FreeBits(nats=-1), "nats"),
        (lambda: Capacity(gamma=-1.0), "gamma"),
        (lambda: GECO(nats=0.0, rate=0.0), "rate"),
        (lambda: GECO(nats=0.0, momentum=1.0), "momentum"),
        (lambda: ControlVAE(nats=-1.0), "nats"),
        (lambda: ControlVAE(nats=1.0, smallest=2.0, largest=1.0), "largest"),
    ],
)
def test_numbers_out_of_range_are_refused(build, name):
    with pytest.raises(BadValue, match=f"{name}: expected"):
        build()
