"""The KL from one sample, log q(z|x) - log p(z), as in TensorFlow's tutorial: noisy, not wrong."""

import torch
import torch.nn.functional as F
from torch import nn

import nelbo
from tests.gallery.patient import Patient, black_and_white


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(784, 100)
        self.fc21 = nn.Linear(100, 20)
        self.fc22 = nn.Linear(100, 20)
        self.fc3 = nn.Linear(20, 100)
        self.fc4 = nn.Linear(100, 784)

    def encode(self, x):
        h = F.relu(self.fc1(x))
        return self.fc21(h), self.fc22(h)

    def reparameterize(self, mu, logvar):
        std = torch.exp(0.5 * logvar)
        return mu + torch.randn_like(std) * std

    def decode(self, z):
        h = F.relu(self.fc3(z))
        return self.fc4(h)

    def forward(self, x):
        mu, logvar = self.encode(x)
        z = self.reparameterize(mu, logvar)
        return self.decode(z), mu, logvar


def log_normal(z, mean, logvar):
    return -0.5 * (((z - mean) ** 2) / logvar.exp() + logvar).sum(dim=1)


def step(model, x):
    mu, logvar = model.encode(x)
    z = model.reparameterize(mu, logvar)
    recon = model.decode(z)
    log_px = -F.binary_cross_entropy_with_logits(recon, x, reduction="none").sum(dim=1)
    log_pz = log_normal(z, torch.zeros(()), torch.zeros(()).expand_as(z))
    return -torch.mean(log_px + log_pz - log_normal(z, mu, logvar))


def patient():
    torch.manual_seed(0)
    x = black_and_white()
    model = VAE()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(10):
        for batch in x[torch.randperm(len(x))].split(100):
            loss = step(model, batch)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    doctor = nelbo.adapt(
        encode=model.encode,
        decode=model.decode,
        step=lambda batch: step(model, batch),
        forward=model,
        output="logits",
    )
    return Patient(doctor, x)
