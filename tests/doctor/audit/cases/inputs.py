"""Data, outputs and latents to call the loss of a case with."""

from __future__ import annotations

import torch
import torch.nn.functional as F

DTYPE = torch.float64  # the losses themselves work in any


def make_inputs(c, seed=0, batch=None):
    """Return x, recon, mu and logvar as a case wants them."""
    g = torch.Generator().manual_seed(seed)
    batch, shape = batch or c["batch"], c["data_shape"]

    def uniform():
        return torch.rand((batch, *shape), generator=g, dtype=DTYPE)

    x = {
        "unit": uniform,
        "binary": lambda: (uniform() < 0.4).to(DTYPE),
        "real": lambda: torch.randn((batch, *shape), generator=g, dtype=DTYPE),
        "pm1": lambda: 2 * uniform() - 1,
        "byte": lambda: torch.floor(uniform() * 256),
        "normalised": lambda: (uniform() - 0.45) / 0.22,
        "onehot": lambda: F.one_hot(
            torch.randint(0, shape[-1], (batch, *shape[:-1]), generator=g), shape[-1]
        ).to(DTYPE),
    }[c["target_kind"]]()
    recon = make_recon(c, x, g)
    mu = 0.8 * torch.randn((batch, c["n_latent"]), generator=g, dtype=DTYPE)
    logvar = 0.5 * torch.randn((batch, c["n_latent"]), generator=g, dtype=DTYPE) - 0.2
    return x, recon, mu, logvar


def make_recon(c, x, g):
    """Return an output for this data: one tensor, or (mean, log-variance)."""

    def normal():
        return torch.randn(x.shape, generator=g, dtype=DTYPE)

    return {
        "prob": lambda: 0.05 + 0.9 * torch.rand(x.shape, generator=g, dtype=DTYPE),
        "logits": normal,
        "mean": lambda: x + 0.3 * normal(),
        "mean+logvar": lambda: (x + 0.3 * normal(), 0.4 * normal() - 0.5),
    }[c["recon_kind"]]()
