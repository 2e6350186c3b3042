"""A linear encoder and a linear decoder: probabilistic principal components."""

import torch
import torch.nn.functional as F
from torch import nn

import nelbo
from tests.gallery.patient import Patient, table


class LinearVAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.mu = nn.Linear(40, 8)
        self.logvar = nn.Parameter(torch.zeros(8))
        self.decode = nn.Linear(8, 40)

    def encode(self, x):
        mu = self.mu(x)
        return mu, self.logvar.expand_as(mu)

    def reparameterize(self, mu, logvar):
        return mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)

    def forward(self, x):
        mu, logvar = self.encode(x)
        return self.decode(self.reparameterize(mu, logvar)), mu, logvar


def loss_function(x, recon, mu, logvar):
    sse = F.mse_loss(recon, x, reduction="sum") / len(x)
    kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp()) / len(x)
    return sse + kld


def patient():
    torch.manual_seed(0)
    x = table()
    model = LinearVAE()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(20):
        for batch in x[torch.randperm(len(x))].split(100):
            recon, mu, logvar = model(batch)
            value = loss_function(batch, recon, mu, logvar)
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
    doctor = nelbo.adapt(
        encode=model.encode,
        decode=model.decode,
        sample=model.reparameterize,
        forward=model,
        loss=loss_function,
        output="mean",
    )
    return Patient(doctor, x)
