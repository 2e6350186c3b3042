"""Pixels from -1 to 1, and a decoder that ends in a sigmoid, 0 to 1.

`transforms.Normalize(0.5, 0.5)` came from another project, the decoder from a tutorial. Black is
-1 and the decoder cannot say less than 0: the background stays grey and the error never falls.

Source: github.com/mikesj-public/convolutional_autoencoder, pull request 9.
"""

import torch
from torch import nn

import nelbo
from tests.gallery.patient import Patient, digits

CAUSE = "range_mismatch"
SYMPTOM = "The error gets stuck high above zero and the bottom half of the values is chopped off."
WRONG = "nn.Linear(latent_dim, 128), nn.ReLU(), nn.Linear(128, 784), nn.Sigmoid()"
FIX = "nn.Linear(latent_dim, 128), nn.ReLU(), nn.Linear(128, 784), nn.Tanh()"


class VAE(nn.Module):
    def __init__(self, latent_dim=16):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 2 * latent_dim))
        self.decoder = nn.Sequential(
            nn.Linear(latent_dim, 128), nn.ReLU(), nn.Linear(128, 784), nn.Sigmoid()
        )

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
    sse = ((recon - x) ** 2).sum(1)
    kl = 0.5 * (mu**2 + log_var.exp() - log_var - 1).sum(1)
    return (sse + kl).mean()


def patient():
    torch.manual_seed(0)
    x = 2 * digits() - 1
    model = VAE()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(10):
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
