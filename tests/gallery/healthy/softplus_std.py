"""An encoder with a softplus for the standard deviation, read as one in KL and sampler alike."""

import torch
import torch.nn.functional as F
from torch import nn

import nelbo
from tests.gallery.patient import Patient, digits


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(784, 100)
        self.mu = nn.Linear(100, 16)
        self.std = nn.Linear(100, 16)
        self.decode = nn.Sequential(nn.Linear(16, 100), nn.ReLU(), nn.Linear(100, 784))

    def encode(self, x):
        h = F.relu(self.hidden(x))
        return self.mu(h), F.softplus(self.std(h)) + 1e-4

    def forward(self, x):
        mu, std = self.encode(x)
        return self.decode(mu + std * torch.randn_like(std)), mu, std


def loss_function(x, recon, mu, std):
    sse = F.mse_loss(recon, x, reduction="sum") / len(x)
    kld = 0.5 * torch.sum(mu**2 + std**2 - 2 * torch.log(std) - 1) / len(x)
    return sse + kld


def patient():
    torch.manual_seed(0)
    x = digits()
    model = VAE()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(10):
        for batch in x[torch.randperm(len(x))].split(100):
            recon, mu, std = model(batch)
            loss = loss_function(batch, recon, mu, std)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    def encode(x):
        mu, std = model.encode(x)
        return mu, 2 * std.log()

    def loss_of_logvar(x, recon, mu, logvar):
        return loss_function(x, recon, mu, torch.exp(0.5 * logvar))

    doctor = nelbo.adapt(
        encode=encode, decode=model.decode, loss=loss_of_logvar, forward=model, output="mean"
    )
    return Patient(doctor, x)
