"""The objectives over the aggregate posterior, by loops from the papers."""

import numpy as np
from scipy import stats

from tests.references.rows import ObjectiveRow


def log_density_of_pairs(at):
    """log q(z_k|x') of each draw under each posterior: [samples, batch, other, latent]."""
    out = np.empty((*at.z.shape[:2], len(at.mu), at.z.shape[2]))
    for other, (mu, logvar) in enumerate(zip(at.mu, at.logvar, strict=True)):
        out[:, :, other] = stats.norm.logpdf(at.z, mu, np.exp(logvar / 2))
    return out


def tcvae(at, alpha, beta, gamma):
    pairs = np.exp(log_density_of_pairs(at))
    many = len(at.mu)
    log_q = np.log(pairs.prod(-1).sum(2) / many)
    log_marginals = np.log(pairs.sum(2) / many).sum(-1)
    kl = alpha * (at.log_qz - log_q) + beta * (log_q - log_marginals)
    return (at.log_px - kl - gamma * (log_marginals - at.log_pz)).mean(0)


def dip(at, covariance, off, on):
    penalty = 0.0
    for i, row in enumerate(covariance):
        for j, value in enumerate(row):
            penalty += on * (value - 1) ** 2 if i == j else off * value**2
    return at.elbo - penalty


def first(at):
    return np.cov(at.mu.T, ddof=0)


def second(at):
    return first(at) + np.diag(np.exp(at.logvar).mean(0))


ROWS = {
    "beta_tcvae:alpha=0.5,beta=3.0,gamma=2.0": ObjectiveRow(lambda at: tcvae(at, 0.5, 3.0, 2.0)),
    "beta_tcvae:alpha=1.0,beta=1.0,gamma=1.0": ObjectiveRow(lambda at: at.log_w.mean(0)),
    "dip_vae_i:off_diagonal=3.0,diagonal=2.0": ObjectiveRow(lambda at: dip(at, first(at), 3, 2)),
    "dip_vae_ii:off_diagonal=3.0,diagonal=2.0": ObjectiveRow(lambda at: dip(at, second(at), 3, 2)),
}
