"""Somebody's trained VAE without any training: probabilistic PCA, whose posterior is known."""

import numpy as np
import pytest
import torch
from torch import nn

from nelbo.doctor.diagnose import adapt


class Exact:
    """x = W z + b + noise of variance 0.1; encode returns the exact posterior, on NumPy arrays."""

    features, latent, variance = 8, 3, 0.1

    def __init__(self):
        random = np.random.default_rng(0)
        basis = np.linalg.qr(random.normal(size=(self.features, self.latent)))[0]
        self.w = basis * np.array([2.0, 1.2, 0.8])
        self.b = random.normal(size=self.features)
        z = random.normal(size=(1000, self.latent))
        noise = random.normal(size=(1000, self.features)) * self.variance**0.5
        self.x = (z @ self.w.T + self.b + noise).astype(np.float32)
        self.m = (self.w**2).sum(0) + self.variance

    def encode(self, x):
        mu = ((np.asarray(x) - self.b) @ (self.w / self.m)).astype(np.float32)
        return mu, np.broadcast_to(np.log(self.variance / self.m), mu.shape).astype(np.float32)

    def decode(self, z):
        return (np.asarray(z) @ self.w.T + self.b).astype(np.float32)

    def modules(self):
        """The same functions as torch modules: an encoder that returns a pair, and a decoder."""
        gain = (self.w / self.m).T
        mu, decoder = nn.Linear(self.features, self.latent), nn.Linear(self.latent, self.features)
        with torch.no_grad():
            mu.weight.copy_(torch.from_numpy(gain))
            mu.bias.copy_(torch.from_numpy(-gain @ self.b))
            decoder.weight.copy_(torch.from_numpy(self.w))
            decoder.bias.copy_(torch.from_numpy(self.b))
        return Encoder(mu, torch.from_numpy(np.log(self.variance / self.m)).float()), decoder


class Encoder(nn.Module):
    def __init__(self, mu, logvar):
        super().__init__()
        self.mu, self.logvar = mu, nn.Parameter(logvar)

    def forward(self, x):
        mu = self.mu(x)
        return mu, self.logvar.expand_as(mu)


@pytest.fixture
def exact():
    return Exact()


@pytest.fixture
def pair(exact):
    return exact.modules()


@pytest.fixture
def codes():
    """Return a function that gives the codes of a diagnosis that are no mere information."""

    def codes(found):
        return [finding.code for finding in found.findings if finding.severity != "info"]

    return codes


@pytest.fixture
def healthy(pair):
    """Return a function that adapts the exact model, with other arguments where given."""
    encoder, decoder = pair

    def healthy(**arguments):
        return adapt(**{"encode": encoder, "decode": decoder, **arguments})

    return healthy


@pytest.fixture(name="one_line")
def _one_line():
    """Return a function that asserts the house's form in one line."""

    def one_line(error):
        text = str(error.value)
        assert "\n" not in text
        assert ": expected " in text
        assert ", got " in text

    return one_line


@pytest.fixture(name="sample")
def _sample():
    """The sampler as it should be."""

    def sample(mu, logvar):
        return mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)

    return sample
