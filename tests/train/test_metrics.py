"""What `metrics.jsonl` says is what a hand computation says."""

import pytest
import torch

import nelbo
from nelbo import formulas
from nelbo.objectives import ELBO
from nelbo.rng import generator, seeded
from tests.train.running import TERMS, fit


def test_a_line_of_metrics(tmp_path, make, x, lines_of):
    run = fit(make(), x, valid=x[:9], out=tmp_path / "run")
    twins = {f"valid_{name}" for name in TERMS}
    keys = {"epoch", *TERMS, "loss", "images_per_second", "seconds"}
    assert [line.keys() for line in run.history] == [keys | twins] * 2
    assert [line["epoch"] for line in run.history] == [1, 2]
    written = lines_of(tmp_path / "run")
    assert written == [
        {k: h[k] for k in line} for line, h in zip(written, run.history, strict=True)
    ]
    for line in run.history:
        speed = len(x) / line["seconds"]
        assert line["images_per_second"] == pytest.approx(speed, rel=1e-6)
        for prefix in ("", "valid_"):
            r, kl = line[f"{prefix}reconstruction"], line[f"{prefix}kl"]
            assert line[f"{prefix}elbo"] == pytest.approx(r - kl, rel=1e-6)


@pytest.mark.parametrize("beta", [1.0, 4.0])
def test_the_loss_is_the_negative_objective_and_the_elbo_is_at_beta_1(make, x, beta):
    (line,) = fit(make(), x, objective=ELBO(beta=beta), epochs=1).history
    assert line["loss"] == pytest.approx(-(line["reconstruction"] - beta * line["kl"]), rel=1e-5)
    assert line["elbo"] == pytest.approx(line["reconstruction"] - line["kl"], rel=1e-6)


# elbo = sum_d x_d log m_d + (1 - x_d) log(1 - m_d) - 1/2 sum_j mu_j^2 + s_j^2 - 1 - log s_j^2
def _by_hand(model, x, eps):
    """Reconstruction and KL per example from the paper's formulas (Kingma & Welling 2014, B, C)."""
    mu, logvar = model.encoder(x).double().unbind(1)
    z = mu + (0.5 * logvar).exp() * eps.double()
    mean = torch.sigmoid(model.decoder(z.float()).double())
    log_px = (x * mean.log() + (1 - x) * (1 - mean).log()).flatten(1).sum(1)
    return log_px, 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(1)


def test_both_terms_are_those_of_a_hand_computation(make, x):
    """One epoch by hand, with Adam from torch: same order, same noise, same weights."""
    run, model = fit(make(), x, epochs=1, seed=3), make()
    optimizer, sums = torch.optim.Adam(model.parameters(), lr=1e-3), torch.zeros(2).double()
    order = torch.randperm(len(x), generator=generator(3, 0))
    with seeded(3):
        for batch in x[order].split(10):
            eps = torch.randn(1, len(batch), 2)[0]
            log_px, kl = _by_hand(model, batch, eps)
            sums += torch.stack([log_px.sum(), kl.sum()]).detach()
            optimizer.zero_grad()
            (kl - log_px).mean().backward()
            optimizer.step()
    line = run.history[0]
    expected = (sums / len(x)).tolist()
    assert [line["reconstruction"], line["kl"]] == pytest.approx(expected, rel=1e-5)
    for a, b in zip(run.model.parameters(), model.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-6)


def test_validation_is_the_evaluation_of_the_weights_after_the_epoch(make, x):
    run = fit(make(), x, valid=x[:9], epochs=1, seed=3)
    found = nelbo.evaluate(run.model, x[:9], [nelbo.evaluate.ELBO()], seed=3)
    for name in TERMS:
        assert run.history[0][f"valid_{name}"] == found[name].value


def test_the_last_batch_counts_by_its_size(make):
    """With a learning rate of almost 0 the epoch's mean is the mean over examples, not batches."""
    data = torch.cat([torch.zeros(10, 1, 2, 3), torch.ones(1, 1, 2, 3)])
    run = fit(make(), data, epochs=1, lr=1e-12, batch=10)
    assert run.history[0]["kl"] == pytest.approx(_kl(run.model, data), rel=1e-5)


def _kl(model, x):
    mu, logvar = model.encoder(x).detach().unbind(1)
    return formulas.gaussian_kl(mu, logvar).sum(1).mean().item()
