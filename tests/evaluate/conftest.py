"""Models whose every number is known: probabilistic PCA, and one that is no module at all."""

import numpy as np
import pytest
import torch
from scipy import stats
from torch.distributions import Independent, Normal

import nelbo
from nelbo.terms import Terms


class Pca:
    """x = W z + b + noise, with W's columns orthogonal: the exact posterior is diagonal.

    Tipping & Bishop 1999: p(x) = N(b, W W' + s^2 I) and p(z|x) = N(M^-1 W'(x - b), s^2 M^-1) with
    M = W'W + s^2 I.
    """

    features, latent, variance = 6, 2, 0.4

    def __init__(self):
        random = np.random.default_rng(3)
        basis = np.linalg.qr(random.normal(size=(self.features, self.latent)))[0]
        self.w, self.b = basis * np.array([1.8, 0.7]), random.normal(size=self.features)
        covariance = self.w @ self.w.T + self.variance * np.eye(self.features)
        self.marginal = stats.multivariate_normal(self.b, covariance)
        self.m = np.diag(self.w.T @ self.w) + self.variance
        # sources hold float32: the reference sees the same rounded values
        self.x = self.marginal.rvs(45, random_state=4).astype(np.float32)

    def log_evidence(self, x):
        return np.atleast_1d(self.marginal.logpdf(x.astype(np.float64)))

    def model(self, shift=0.0, logvar_shift=0.0):
        """A linear VAE whose q(z|x) is the exact posterior, or that moved off it."""
        gain, logvar = (self.w / self.m).T, np.log(self.variance / self.m)
        model = nelbo.VAE(
            (self.features,),
            self.latent,
            network=nelbo.networks.MLP(hidden=()),
            likelihood=nelbo.likelihoods.Gaussian(variance=self.variance),
        ).double()
        weights = {
            "encoder.1.weight": np.concatenate((gain, np.zeros_like(gain))),
            "encoder.1.bias": np.concatenate((shift - gain @ self.b, logvar + logvar_shift)),
            "decoder.1.weight": self.w,
            "decoder.1.bias": self.b,
        }
        model.load_state_dict({name: torch.from_numpy(w) for name, w in weights.items()})
        return model

    def divergence(self, shift, logvar_shift):
        """KL(q(z|x) || p(z|x)) of the moved posterior, the same for every x."""
        ratio = np.exp(logvar_shift)
        per_latent = 0.5 * (ratio + shift**2 * self.m / self.variance - 1 - logvar_shift)
        return per_latent.sum()


class Foreign:
    """Somebody else's VAE, no `nn.Module`: affine means, and it remembers its batches."""

    def __init__(self, features=3):
        self.encode = torch.linspace(-1.0, 1.5, features * 2).reshape(features, 2).double()
        self.gains = torch.linspace(0.2, 0.9, features).double()
        self.offset, self.sigma, self.batches = 0.3, torch.tensor([0.5, 1.2]).double(), []

    def terms(self, x, samples=1):
        self.batches.append(len(x))
        q = Independent(Normal(x.double() @ self.encode, self.sigma.expand(len(x), 2)), 1)
        z = q.rsample((samples,))
        mean = (z @ self.encode.T).double()
        return Terms(x.double(), z, Independent(Normal(mean, 1.0), 1), q, self.prior())

    def prior(self):
        return Independent(Normal(torch.zeros(2).double(), torch.ones(2).double()), 1)

    def reconstruct(self, x):
        self.batches.append(len(x))
        return x.double() * self.gains + self.offset


@pytest.fixture
def pca():
    return Pca()


@pytest.fixture
def foreign():
    return Foreign()
