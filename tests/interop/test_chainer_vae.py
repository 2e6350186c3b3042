"""The question's VAE: Chainer's trained weights and outputs, and the literal listing."""

import gzip
from pathlib import Path

import numpy as np
import pytest
import torch

import nelbo.interop.chainer as chainer
import nelbo.interop.chainer.functions as F
from nelbo.interop.chainer import reconstructions
from nelbo.rng import seeded

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "tests" / "reference" / "chainer-5.0.0"
TRAINED = ["seed_vae_bernoulli_nll", "seed_vae_mean_squared_error", "seed_vae_sum_squared_error"]

IMPORTS = {
    "import chainer\n": "import nelbo.interop.chainer as chainer\n",
    "import chainer.functions as F": "import nelbo.interop.chainer.functions as F",
    "import chainer.links as L": "import nelbo.interop.chainer.links as L",
    "from chainer.functions.loss.vae import": "from nelbo.interop.chainer.functions import",
}
FIRST = "F.bernoulli_nll(x, self.decode(z, sigmoid=False)) / (k * batchsize)"
# The question's losses as they would stand in the listing, and their names here.
LOSSES = {
    FIRST: reconstructions.bernoulli,
    "F.mean_squared_error(x, self.decode(z)) / k": reconstructions.mean_squared,
    "F.mean(F.sum((x - self.decode(z))**2, axis=1)) / k": reconstructions.sum_squared,
}


def _images(count):
    with gzip.open(ROOT / "src/nelbo/data/files/t10k-images-idx3-ubyte.gz") as file:
        pixels = np.frombuffer(file.read(16 + 784 * count), np.uint8, offset=16)
    return pixels.reshape(count, 784).astype("float32") / 255


def _listing(loss):
    text = (REFERENCE / "listing.txt").read_text()
    for theirs, ours in IMPORTS.items():
        assert text.count(theirs) == 1
        text = text.replace(theirs, ours)
    assert text.count(FIRST) == 1
    names = {"__name__": "listing"}
    exec(compile(text.replace(FIRST, loss), "listing.txt", "exec"), names)
    return names["VAE"]


@pytest.mark.parametrize("name", TRAINED)
@pytest.mark.parametrize("kind", ["ours", "listing"])
def test_trained_weights_give_chainers_outputs(name, kind):
    model = (chainer.VAE if kind == "ours" else _listing(FIRST))(784, 20, 200, F.tanh)
    chainer.serializers.load_npz(str(REFERENCE / f"{name}.npz"), model)
    x, expected = _images(16), np.load(REFERENCE / f"{name}_outputs.npz")
    mu, ln_var = model.encode(x)
    actual = {"mu": mu, "ln_var": ln_var, "reconstruction": model(x)}
    for key, value in actual.items():
        np.testing.assert_allclose(value.detach().numpy(), expected[key], rtol=0, atol=5e-6)
    torch.testing.assert_close(torch.sigmoid(model.decode(mu, sigmoid=False)), model.decode(mu))


@pytest.mark.parametrize("loss", LOSSES)
def test_the_listing_trains_with_only_its_imports_changed(loss):
    x = chainer.Variable(_images(64))
    with seeded(0):
        model = _listing(loss)(784, 4, 64, F.tanh)
        optimizer = torch.optim.Adam(model.parameters())
        values = []
        for _ in range(40):
            model.cleargrads()
            model.get_loss_func()(x).backward()
            optimizer.step()
            values.append(float(model.loss.data))
    assert np.isfinite(values).all()
    assert np.mean(values[-5:]) < 0.8 * np.mean(values[:5])
    assert float(model.rec_loss.data) < values[-1]


@pytest.mark.parametrize("loss", LOSSES)
def test_our_closure_is_the_listings(loss):
    x = _images(8)
    with seeded(0):
        ours = chainer.VAE(784, 4, 16, F.relu).double()
        listing = _listing(loss)(784, 4, 16, F.relu).double()
    listing.load_state_dict(ours.state_dict())
    with seeded(1):
        ours.get_loss_func(C=2.0, k=3, reconstruction=LOSSES[loss])(x).backward()
    with seeded(1):
        listing.get_loss_func(C=2.0, k=3)(chainer.Variable(x).double()).backward()
    for key in ("loss", "rec_loss"):
        torch.testing.assert_close(getattr(ours, key), getattr(listing, key), rtol=1e-12, atol=0)
    for a, b in zip(ours.parameters(), listing.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad, rtol=1e-9, atol=1e-12)


def test_the_default_closure_and_its_gradient_are_the_negative_elbo():
    x = torch.from_numpy(_images(8)).double()
    with seeded(0):
        model = chainer.VAE(784, 4, 16, torch.tanh).double()
    with seeded(1):
        loss = model.get_loss_func()(x)
    with seeded(1):
        mu, ln_var = model.encode(x)
        z = mu + (ln_var / 2).exp() * torch.randn_like(mu)
    p = model.decode(z)
    log_px = (x * p.log() + (1 - x) * (1 - p).log()).sum(1)
    kl = 0.5 * (mu**2 + ln_var.exp() - ln_var - 1).sum(1)
    expected = (kl - log_px).mean()
    torch.testing.assert_close(loss, expected, rtol=1e-10, atol=0)
    parameters = list(model.parameters())
    pairs = zip(torch.autograd.grad(loss, parameters), torch.autograd.grad(expected, parameters),
                strict=True)  # fmt: skip
    for a, b in pairs:
        torch.testing.assert_close(a, b, rtol=1e-6, atol=1e-10)
