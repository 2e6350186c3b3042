"""The two networks as PyTorch modules, and their loss."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from common import CHANNELS, GAUSSIAN_VARIANCE, LATENT, layers
from torch import nn


def halves(job):
    """Return encoder and decoder."""
    if job["network"] == "conv":
        return [conv_encoder(), conv_decoder()]
    return [dense(sizes) for sizes in layers(job)]


def dense(sizes):
    parts = []
    for fan_in, fan_out in zip(sizes, sizes[1:], strict=False):
        parts += [nn.Linear(fan_in, fan_out), nn.Tanh()]
    return nn.Sequential(*parts[:-1])


def conv_encoder():
    parts = []
    for i, o in zip(CHANNELS, CHANNELS[1:], strict=False):
        parts += [nn.Conv2d(i, o, 4, stride=2, padding=1), nn.ReLU()]
    return nn.Sequential(*parts, nn.Flatten(), nn.Linear(16 * CHANNELS[-1], 2 * LATENT["conv"]))


def conv_decoder():
    first, sizes = CHANNELS[-1], CHANNELS[::-1]
    parts = [nn.Linear(LATENT["conv"], 16 * first), nn.Unflatten(1, (first, 4, 4))]
    for i, o in zip(sizes, sizes[1:], strict=False):
        parts += [nn.ReLU(), nn.ConvTranspose2d(i, o, 4, stride=2, padding=1)]
    return nn.Sequential(*parts)


def negative_elbo(encoder, decoder, x):
    """Return the loss in nats per example: Bernoulli for flat images, Gaussian for the others."""
    mu, logvar = encoder(x).float().chunk(2, dim=1)
    z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
    output = decoder(z).float()
    if x.ndim == 2:
        nll = F.binary_cross_entropy_with_logits(output, x, reduction="sum")
    else:
        nll = 0.5 * (x - output).square().sum() / GAUSSIAN_VARIANCE
    return (nll + 0.5 * (mu**2 + logvar.exp() - 1.0 - logvar).sum()) / len(x)


def weights_of(*modules):
    """Return weights [in, out] and biases of the linear layers, in order."""
    found = [m for module in modules for m in module.modules() if isinstance(m, nn.Linear)]
    tensors = [t for m in found for t in (m.weight.detach().T, m.bias.detach())]
    return [t.float().cpu().numpy().copy() for t in tensors]
