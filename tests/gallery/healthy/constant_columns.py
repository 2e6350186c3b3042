"""A table with columns that never change and a learned variance: nothing there to learn, nothing
wrong.
"""

import torch
import torch.nn.functional as F
from torch import nn

import nelbo
from tests.gallery.patient import Patient, table


class VAE(nn.Module):
    def __init__(self, latent_dim=12):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(48, 64), nn.ReLU(), nn.Linear(64, 2 * latent_dim))
        self.decoder = nn.Sequential(nn.Linear(latent_dim, 64), nn.ReLU(), nn.Linear(64, 48))

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
    mse = ((recon - x) ** 2).mean()
    nll = 48 / 2 * torch.log(mse)
    kl = 0.5 * (mu**2 + log_var.exp() - log_var - 1).sum(1)
    return nll + kl.mean()


def patient():
    torch.manual_seed(0)
    x = F.pad(table(), (0, 8), value=1.0)
    model = VAE()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(20):
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
