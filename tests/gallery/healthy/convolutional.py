"""Convolutions and transposed convolutions, images [n, 1, 28, 28]."""

import torch
import torch.nn.functional as F
from torch import nn

import nelbo
from tests.gallery.patient import Patient, digits


class ConvVAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 8, 4, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(8, 16, 4, stride=2, padding=1),
            nn.ReLU(),
            nn.Flatten(),
        )
        self.mu = nn.Linear(16 * 7 * 7, 16)
        self.logvar = nn.Linear(16 * 7 * 7, 16)
        self.expand = nn.Linear(16, 16 * 7 * 7)
        self.image = nn.Sequential(
            nn.ReLU(),
            nn.ConvTranspose2d(16, 8, 4, stride=2, padding=1),
            nn.ReLU(),
            nn.ConvTranspose2d(8, 1, 4, stride=2, padding=1),
        )

    def encode(self, x):
        h = self.features(x)
        return self.mu(h), self.logvar(h)

    def reparameterize(self, mu, logvar):
        return mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)

    def decode(self, z):
        return torch.sigmoid(self.image(self.expand(z).view(-1, 16, 7, 7)))

    def forward(self, x):
        mu, logvar = self.encode(x)
        return self.decode(self.reparameterize(mu, logvar)), mu, logvar


def loss_function(x, recon, mu, logvar):
    sse = F.mse_loss(recon, x, reduction="sum") / len(x)
    kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp()) / len(x)
    return sse + kld


def patient():
    torch.manual_seed(0)
    x = digits(1000).view(-1, 1, 28, 28)
    model = ConvVAE()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for _ in range(10):
        for batch in x[torch.randperm(len(x))].split(50):
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
