"""Losses and a model as users write them; the tests of the doctor's verbs copy this file."""

import torch
from torch import nn
from torch.nn import functional as F

import nelbo


def kl_of(mu, logvar):
    return -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum(1).mean()


def averaged(x, recon, mu, logvar):
    return F.mse_loss(recon, x) + kl_of(mu, logvar)


def summed(x, recon, mu, logvar):
    return ((recon - x) ** 2).flatten(1).sum(1).mean() + kl_of(mu, logvar)


def swapped(recon_x, x, mu, logvar):
    bce = F.binary_cross_entropy(recon_x, x, reduction="sum")
    return bce - 0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())


def flat_only(x, recon, mu, logvar):
    batch, features = x.shape
    return ((recon - x) ** 2).sum(1).mean() + kl_of(mu, logvar)


def noisy(x, recon, mu, logvar):
    print("a line on standard output")
    return summed(x, recon, mu, logvar)


def factory(beta):
    return lambda x, recon, mu, logvar: beta * summed(x, recon, mu, logvar)


def three(x, recon, mu):
    return ((recon - x) ** 2).sum()


def breaks(x, recon, mu, logvar):
    wrong = recon.reshape(-1, 7)
    return wrong.sum()


class Loss(nn.Module):
    def forward(self, x, recon, mu, logvar):
        return summed(x, recon, mu, logvar)


loss_object = Loss()
number = 3

torch.manual_seed(0)
encoder = nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.Tanh(), nn.Linear(8, 4))
decoder = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 64), nn.Sigmoid())


def encode(x):
    return encoder(x).chunk(2, dim=1)


def broken_encode(x):
    return encoder[1](x).chunk(2, dim=3)


model = nelbo.adapt(encode=encode, decode=decoder, output="prob")
misshapen = nelbo.adapt(encode=broken_encode, decode=decoder)


def make_model():
    return nelbo.adapt(encode=encode, decode=decoder, output="prob")


def make_with(size):
    return size


def make_nothing():
    return None
