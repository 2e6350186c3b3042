"""A decoder with two outputs for every column: mean and log-variance."""

import torch
from torch import nn

import nelbo
from tests.gallery.patient import Patient, table


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(40, 64), nn.ReLU(), nn.Linear(64, 2 * 8))
        self.decoder = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 2 * 40))

    def encode(self, x):
        return self.encoder(x).chunk(2, dim=1)

    def reparameterize(self, mu, logvar):
        return mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)

    def decode(self, z):
        mean, logvar = self.decoder(z).chunk(2, dim=1)
        return mean, logvar.clamp(-6, 2)

    def forward(self, x):
        mu, logvar = self.encode(x)
        return self.decode(self.reparameterize(mu, logvar)), mu, logvar


def loss_function(x, recon, mu, logvar):
    mean, log_variance = recon
    nll = 0.5 * ((x - mean) ** 2 * torch.exp(-log_variance) + log_variance).sum() / len(x)
    kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp()) / len(x)
    return nll + kld


def patient():
    torch.manual_seed(0)
    x = table()
    model = VAE()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
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
        output="mean+logvar",
    )
    return Patient(doctor, x)
