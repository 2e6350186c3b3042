"""Everything from torch.distributions, nothing by hand: Normal, rsample, kl_divergence."""

import torch
from torch import nn
from torch.distributions import Bernoulli, Normal, kl_divergence

import nelbo
from tests.gallery.patient import Patient, black_and_white


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(784, 100), nn.Tanh(), nn.Linear(100, 32))
        self.decoder = nn.Sequential(nn.Linear(16, 100), nn.Tanh(), nn.Linear(100, 784))

    def posterior(self, x):
        mean, logvar = self.encoder(x).chunk(2, dim=-1)
        return Normal(mean, torch.exp(0.5 * logvar))

    def loss(self, x):
        q = self.posterior(x)
        p = Bernoulli(logits=self.decoder(q.rsample()))
        kl = kl_divergence(q, Normal(0.0, 1.0)).sum(-1)
        return (kl - p.log_prob(x).sum(-1)).mean()


def patient():
    torch.manual_seed(0)
    x = black_and_white()
    model = VAE()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(10):
        for batch in x[torch.randperm(len(x))].split(100):
            loss = model.loss(batch)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    def encode(x):
        q = model.posterior(x)
        return q.mean, q.variance.log()

    doctor = nelbo.adapt(encode=encode, decode=model.decoder, step=model.loss, output="logits")
    return Patient(doctor, x)
