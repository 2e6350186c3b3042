"""Standardised pixels, -0.42 to 2.82, under a cross-entropy.

`transforms.Normalize((0.1307,), (0.3081,))` belongs to classifiers of MNIST and was copied along.
Pixels below 0 and above 1 are no probabilities: the loss has no lower bound.

Source: github.com/GlassyWing/nvae, issue 6; stats.stackexchange.com question 630079.
"""

import torch
import torch.nn.functional as F
from torch import nn

import nelbo
from tests.gallery.patient import Patient, digits

CAUSE = "data_outside_support"
SYMPTOM = "The loss was positive at first and is now negative almost always."
WRONG = "x = (digits() - 0.1307) / 0.3081"
FIX = "x = (digits() > 0.5).float()"


class VAE(nn.Module):
    def __init__(self, latent_dim=16):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 2 * latent_dim))
        self.decoder = nn.Sequential(nn.Linear(latent_dim, 128), nn.ReLU(), nn.Linear(128, 784))

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
    bce = F.binary_cross_entropy_with_logits(recon, x, reduction="none").sum(1)
    kl = 0.5 * (mu**2 + log_var.exp() - log_var - 1).sum(1)
    return (bce + kl).mean()


def patient():
    torch.manual_seed(0)
    x = (digits() - 0.1307) / 0.3081
    model = VAE()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(8):
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
        output="logits",
    )
    return Patient(doctor, x)
