import pytest
import torch

import nelbo
from nelbo.errors import BadValue
from nelbo.objectives import WAEMMD
from nelbo.objectives.aggregate import inverse_multiquadratic, mmd
from nelbo.rng import seeded
from nelbo.testing import check_objective
from tests.objectives.linear_gaussian import LinearGaussian


def test_it_keeps_the_laws():
    check_objective(WAEMMD())


def test_it_is_the_reconstruction_less_the_discrepancy():
    model = LinearGaussian()
    with seeded(0):
        terms = model.terms(1)
    with seeded(1):
        got = WAEMMD(weight=3.0)(terms)
    with seeded(1):
        y = terms.p.sample(torch.Size((1, len(terms.x)))).flatten(0, 1)
    apart = mmd(terms.z.flatten(0, 1), y, inverse_multiquadratic)
    torch.testing.assert_close(got, terms.log_px.mean(0) - 3.0 * apart)


def test_a_deterministic_encoder_learns_with_it_and_has_no_elbo():
    with seeded(0):
        x = (torch.rand(400, 12) < 0.5).float()
        x[:, 6:] = x[:, :6]
        network = nelbo.networks.MLP(hidden=(32,))
        model = nelbo.VAE((12,), 6, network=network, posterior=nelbo.posteriors.Deterministic())
    run = nelbo.fit(model, x, valid=x, objective=WAEMMD(weight=10.0), epochs=40, batch=50, lr=5e-3,
                    callbacks=[])  # fmt: skip
    first, last = run.history[0], run.history[-1]
    assert last["reconstruction"] > first["reconstruction"] + 3
    assert last["valid_reconstruction"] > first["valid_reconstruction"] + 3
    assert "elbo" not in last
    with torch.no_grad():
        z = run.model.encode(x).mean
    assert float(z.std()) == pytest.approx(1.0, abs=0.4)


def test_the_elbo_is_refused_a_deterministic_encoder_before_any_work(tmp_path):
    model = nelbo.VAE((12,), 3, posterior=nelbo.posteriors.Deterministic())
    with pytest.raises(BadValue, match=r"a posterior with a density.*wae_mmd"):
        nelbo.fit(model, torch.ones(20, 12), epochs=1, out=tmp_path / "run", callbacks=[])
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("arguments", [{"weight": -1.0}, {"kernel": "linear"}])
def test_arguments_out_of_range_are_refused(arguments):
    with pytest.raises(BadValue, match=f"{next(iter(arguments))}: expected"):
        WAEMMD(**arguments)
