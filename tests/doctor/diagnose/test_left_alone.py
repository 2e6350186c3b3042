"""Whatever a diagnosis calls, the model and the generators are afterwards as they were before."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

import nelbo
from nelbo.doctor.diagnose import adapt, diagnose
from nelbo.doctor.diagnose.rules.frozen import _unreached
from nelbo.errors import BadValue
from nelbo.rng import seeded


class Usual(nn.Module):
    """Batch norm, dropout, and latents that are drawn in training mode only, as many write it."""

    def __init__(self, pair):
        super().__init__()
        self.encoder, self.decoder = pair
        self.norm, self.drop = nn.BatchNorm1d(8), nn.Dropout(0.5)

    def encode(self, x):
        return self.encoder(self.norm(self.drop(x)))

    def sample(self, mu, logvar):
        return mu + torch.exp(0.5 * logvar) * torch.randn_like(mu) if self.training else mu

    def forward(self, x):
        mu, logvar = self.encode(x)
        return self.decoder(self.sample(mu, logvar)), mu, logvar


def loss(model, x):
    recon, mu, logvar = model(x)
    kl = -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum(1).mean()
    return ((recon - x) ** 2).sum(1).mean() + kl


def snapshot(model):
    return {
        "weights": [t.clone() for t in model.state_dict().values()],
        "gradients": [None if p.grad is None else p.grad.clone() for p in model.parameters()],
        "modes": [part.training for part in model.modules()],
        "generators": [torch.get_rng_state(), np.random.get_state()[1].copy()],
    }


def assert_same(after, before):
    for name, values in before.items():
        for now, then in zip(after[name], values, strict=True):
            if isinstance(then, torch.Tensor):
                assert torch.equal(now, then), name
            elif isinstance(then, np.ndarray):
                assert (now == then).all(), name
            else:
                assert now == then, name


@pytest.fixture
def usual(pair):
    model = Usual(pair).train()
    model.drop.eval()
    model.decoder.weight.grad = torch.ones(8, 3)
    return model


def plain(model):
    return adapt(encode=model.encode, decode=model.decoder)


def whole(model):
    arguments = {"sample": model.sample, "forward": model, "step": lambda x: loss(model, x)}
    return adapt(encode=model.encode, decode=model.decoder, **arguments)


def hidden(model):
    owner, parts = SimpleNamespace(model=model), {"decoder": model.decoder}
    return adapt(encode=lambda x: owner.model.encode(x), decode=lambda z: parts["decoder"](z))


def careless(model):
    def decode(z):
        return model.decoder(z) + 0 * np.random.random() + 0 * torch.rand(1)

    return adapt(encode=model.encode, decode=decode)


@pytest.mark.parametrize("make", [plain, whole, hidden, careless])
def test_everything_is_as_it_was(exact, usual, codes, make):
    """And the model, whose latents are drawn in training mode only, is healthy."""
    before = snapshot(usual)
    found = diagnose(make(usual), exact.x[:300])
    assert_same(snapshot(usual), before)
    assert codes(found) == []
    assert (found.audit is not None) == (make is whole)


def test_so_it_is_after_an_error(exact, usual):
    calls = []

    def decode(z):
        calls.append(len(z))
        if len(calls) > 5:
            raise ZeroDivisionError
        return usual.decoder(z)

    before = snapshot(usual)
    with pytest.raises(BadValue, match="decode: expected a function .* ZeroDivisionError"):
        diagnose(adapt(encode=usual.encode, decode=decode), exact.x)
    assert_same(snapshot(usual), before)


def test_a_step_that_trains_is_refused_before_it_is_audited(exact, usual):
    optimizer = torch.optim.SGD(usual.parameters(), lr=1e-3)

    def step(x):
        found = loss(usual, x)
        found.backward()
        optimizer.step()
        return found

    before = snapshot(usual)
    with pytest.raises(BadValue, match="step: expected .* got one that changes the weights"):
        diagnose(adapt(encode=usual.encode, decode=usual.decoder, step=step), exact.x)
    assert_same(snapshot(usual), before)


def test_a_step_that_has_gone_backward_itself_proves_nothing_frozen(exact, usual):
    def step(x):
        found = loss(usual, x)
        found.backward()
        return found

    halves = (tuple(half.parameters()) for half in (usual.encoder, usual.decoder))
    assert not _unreached(step, torch.from_numpy(exact.x[:9]), [usual], *halves)


def test_a_nelbo_model_and_a_shuffled_loader(exact):
    with seeded(0):
        network = nelbo.networks.Modules(
            nn.Sequential(nn.Linear(8, 9), nn.BatchNorm1d(9), nn.Dropout(0.5), nn.Linear(9, 6)),
            nn.Sequential(nn.Linear(3, 9), nn.BatchNorm1d(9), nn.Linear(9, 8)),
        )
        likelihood = nelbo.likelihoods.Gaussian(sigma="optimal")
        model = nelbo.VAE(8, 3, network=network, likelihood=likelihood).train()
    pairs = [(row, 0) for row in torch.from_numpy(exact.x)]
    before = snapshot(model)
    found = diagnose(model, torch.utils.data.DataLoader(pairs, batch_size=32, shuffle=True))
    assert found.measures["active_units"].examples == 1000
    assert_same(snapshot(model), before)


def test_models_in_other_precisions(exact, pair, codes):
    encoder, decoder = pair
    for precision in (torch.float64, torch.bfloat16):
        encoder.to(precision)
        decoder.to(precision)
        model = Usual(pair)
        model.norm = nn.Identity()
        make = plain if precision is torch.float64 else whole
        assert codes(diagnose(make(model), exact.x)) == []
    twin = nelbo.VAE(8, 3, likelihood=nelbo.likelihoods.Gaussian(variance=1.0)).double()
    assert "not_finite" not in codes(diagnose(twin, exact.x.astype(np.float64)))
