"""The KL without its exp: `1 + logvar - mu^2 - logvar`.

The two log-variances cancel, nothing holds the variance any more, and the encoder sends it to
zero: an autoencoder whose codes are pulled towards the origin.

Source: github.com/AntixK/PyTorch-VAE, issue 69, where the same line is doubted; forgotten or
doubled exponentials as in github.com/DaehanKim/vgae_pytorch, issue 2.
"""

import torch
import torch.nn.functional as F
from torch import nn

import nelbo
from tests.gallery.patient import Patient, digits

CAUSE = "kl_wrong"
SYMPTOM = (
    "Sharp reconstructions, a KL that can be negative, and random samples that look like no digit."
)
WRONG = "kld = torch.mean(-0.5 * torch.sum(1 + logvar - mu**2 - logvar, dim=1))"
FIX = "kld = torch.mean(-0.5 * torch.sum(1 + logvar - mu**2 - logvar.exp(), dim=1))"


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
        return torch.sigmoid(self.fc4(h))

    def forward(self, x):
        mu, logvar = self.encode(x)
        z = self.reparameterize(mu, logvar)
        return self.decode(z), mu, logvar


def loss_function(x, recon, mu, logvar):
    sse = F.mse_loss(recon, x, reduction="sum") / len(x)
    kld = torch.mean(-0.5 * torch.sum(1 + logvar - mu**2 - logvar, dim=1))
    return sse + kld


def right_loss(x, recon, mu, logvar):
    sse = F.mse_loss(recon, x, reduction="sum") / len(x)
    kld = torch.mean(-0.5 * torch.sum(1 + logvar - mu**2 - logvar.exp(), dim=1))
    return sse + kld


def patient(loss=loss_function):
    torch.manual_seed(0)
    x = digits()
    model = VAE()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(10):
        for batch in x[torch.randperm(len(x))].split(100):
            recon, mu, logvar = model(batch)
            value = loss(batch, recon, mu, logvar)
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
    doctor = nelbo.adapt(
        encode=model.encode,
        decode=model.decode,
        sample=model.reparameterize,
        forward=model,
        loss=loss,
        output="mean",
    )
    return Patient(doctor, x)


def fixed():
    return patient(loss=right_loss)
