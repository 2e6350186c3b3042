"""A linear Gaussian model, of which everything is known: p(z) = N(0, I), p(x|z) = N(Wz, s^2 I)."""

import math

import torch
from torch.distributions import Independent, MultivariateNormal, Normal

from nelbo.rng import seeded
from nelbo.terms import Terms

FEATURES, LATENT, SIGMA = 6, 2, 0.8


class LinearGaussian:
    """Its true posterior is N(A x, S): a q beside it has a known KL, and log p(x) is Gaussian."""

    def __init__(self, batch=5, off=0.3):
        with seeded(0):
            self.weight = torch.randn(FEATURES, LATENT, dtype=torch.float64).requires_grad_()
            z = torch.randn(batch, LATENT, dtype=torch.float64)
            noise = torch.randn(batch, FEATURES, dtype=torch.float64)
            self.x = (z @ self.weight.mT + SIGMA * noise).detach()
            mu = self.posterior[0] + off * torch.randn(batch, LATENT, dtype=torch.float64)
            logvar = self.posterior[1].diagonal().log().expand(batch, -1) + off
        self.mu = mu.detach().requires_grad_()
        self.logvar = logvar.detach().clone().requires_grad_()

    @property
    def posterior(self):
        """Mean [batch, latent] and covariance [latent, latent] of p(z|x)."""
        w = self.weight.detach()
        eye = torch.eye(LATENT, dtype=torch.float64)
        covariance = torch.linalg.inv(eye + w.mT @ w / SIGMA**2)
        return self.x @ w @ covariance / SIGMA**2, covariance

    @property
    def log_evidence(self):
        w = self.weight
        eye = torch.eye(FEATURES, dtype=torch.float64)
        covariance = w @ w.mT + SIGMA**2 * eye
        return MultivariateNormal(self.x.new_zeros(FEATURES), covariance).log_prob(self.x)

    @property
    def elbo(self):
        """The exact ELBO, in closed form."""
        variance = self.logvar.exp()
        error = (self.x - self.mu @ self.weight.mT) ** 2
        spread = variance @ (self.weight**2)[:, :].mT
        expected = error.sum(-1) + spread.sum(-1)
        log_px = -0.5 * expected / SIGMA**2 - FEATURES * math.log(SIGMA * math.sqrt(2 * math.pi))
        kl = 0.5 * (self.mu**2 + variance - self.logvar - 1).sum(-1)
        return log_px - kl

    @property
    def parameters(self):
        return (self.weight, self.mu, self.logvar)

    def terms(self, samples, draws=1, parameters=None):
        """One pass: `draws` independent ones of the same batch, of parameters [draws, ...]."""
        copies = (p.expand(draws, *p.shape) for p in self.parameters)
        weight, mu, logvar = copies if parameters is None else parameters
        q = Independent(Normal(mu.flatten(0, 1), (0.5 * logvar.flatten(0, 1)).exp()), 1)
        z = q.rsample((samples,))
        mean = (z.unflatten(1, (draws, -1)) @ weight.mT).flatten(1, 2)
        px = Independent(Normal(mean, z.new_tensor(SIGMA)), 1)
        p = Independent(Normal(torch.zeros_like(z[0, 0]), torch.ones_like(z[0, 0])), 1)
        return Terms(self.x.repeat(draws, 1), z, px, q, p)

    def gradients(self, objective, draws, samples=None):
        """The gradient of the sum over the batch, flat, of each draw: [weight, mu, logvar]."""
        copies = [
            p.detach().expand(draws, *p.shape).clone().requires_grad_() for p in self.parameters
        ]
        with seeded(1):
            terms = self.terms(samples or objective.samples, draws, copies)
            found = torch.autograd.grad(objective(terms).sum(), copies)
        return torch.cat([gradient.flatten(1) for gradient in found], 1)
