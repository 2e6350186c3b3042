"""Thirty-two latents where eight causes are hidden in the data: the rest stay unused, rightly."""

import torch
from torch import nn

import nelbo
from tests.gallery.patient import Patient, table


class VAE(nn.Module):
    def __init__(self, latent_dim=32):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(40, 64), nn.ReLU(), nn.Linear(64, 2 * latent_dim))
        self.decoder = nn.Sequential(nn.Linear(latent_dim, 64), nn.ReLU(), nn.Linear(64, 40))

    def encode(self, x):
        return self.encoder(x).chunk(2, dim=1)

    def decode(self, z):
        return self.decoder(z)

    def sample(self, mu, log_var):
        return mu + torch.exp(log_var / 2) * torch.randn_like(mu)

    def forward(self, x):
        mu, log_var = self.encode(x)
        return self.decode(self.sample(mu, log_var)), mu, log_var


def loss_function(x, recon, mu, log_var):
    square = ((recon - x) ** 2).sum(1)
    kl = 0.5 * (mu**2 + log_var.exp() - log_var - 1).sum(1)
    return (2 * square + kl).mean()


def patient():
    torch.manual_seed(0)
    x = table()
    model = VAE()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(30):
        for batch in x[torch.randperm(len(x))].split(100):
            recon, mu, log_var = model(batch)
            value = loss_function(batch, recon, mu, log_var)
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
    doctor = nelbo.adapt(
        encode=model.encode,
        decode=model.decode,
        sample=model.sample,
        forward=model,
        loss=loss_function,
        output="mean",
    )
    return Patient(doctor, x)
