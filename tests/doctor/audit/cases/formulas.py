"""The pieces that losses are written with, per element, latent or example."""

from __future__ import annotations

import math

import torch
import torch.distributions as td
import torch.nn.functional as F

LOG2PI = math.log(2.0 * math.pi)


def sq(x, r):
    return (r - x) ** 2


def bern(x, p, eps=0.0):
    """Bernoulli NLL per element from probabilities, no range check on x or p."""
    return -(x * torch.log(p + eps) + (1.0 - x) * torch.log(1.0 - p + eps))


def bern_logit(x, a):
    """Bernoulli NLL per element from logits: softplus(a) - x a."""
    return F.softplus(a) - x * a


def gauss(x, m, s):
    """Gaussian NLL per element, log-variance s, with the 2 pi constant."""
    return 0.5 * ((x - m) ** 2 * torch.exp(-s) + s + LOG2PI)


def kl1(mu, lv):
    """closed-form KL(N(mu, e^lv) || N(0,1)) per latent."""
    return 0.5 * (mu**2 + torch.exp(lv) - lv - 1.0)


def mc_kl1(mu, lv):
    """one-sample estimate of the KL per latent: log q(z) - log p(z), z ~ q."""
    eps = torch.randn_like(mu)
    z = mu + torch.exp(0.5 * lv) * eps
    return 0.5 * (z**2 - eps**2 - lv)


def log_c(lam):
    """log normaliser of the continuous Bernoulli: C(lam) = 2 atanh(1-2lam)/(1-2lam), C(1/2) = 2."""
    u = 1.0 - 2.0 * lam
    near = u.abs() < 0.02
    safe = torch.where(near, torch.full_like(u, 0.5), u)
    exact = torch.log(2.0 * torch.atanh(safe) / safe)
    series = math.log(2.0) + torch.log1p(u**2 / 3.0 + u**4 / 5.0)
    return torch.where(near, series, exact)


def per_ex(t):
    """sum all but the first axis."""
    return t.reshape(t.shape[0], -1).sum(1)


def per_ex_mean(t):
    return t.reshape(t.shape[0], -1).mean(1)


def nkl(m, v):
    """The KL per latent by torch.distributions, as many write it."""
    return td.kl_divergence(td.Normal(m, torch.exp(0.5 * v)), td.Normal(0.0, 1.0))


def xent(x, a):
    """Cross-entropy per position of one-hot x under logits a."""
    return -(x * F.log_softmax(a, -1)).sum(-1)


def sample(m, v):
    return m + torch.exp(0.5 * v) * torch.randn_like(m)


def mmd(z, scale):
    """Biased MMD^2 of z against as many samples of N(0, 1)."""
    y = torch.randn_like(z)
    k = lambda a, b: torch.exp(-(a[:, None] - b[None]).pow(2).mean(-1) / scale).mean()  # noqa: E731
    return k(z, z) + k(y, y) - 2 * k(z, y)
