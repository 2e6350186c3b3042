"""Samples with `exp(logvar)`, the variance, where the standard deviation belongs.

The KL believes in one posterior, the decoder sees another. For a posterior of standard deviation
0.1 the noise is a tenth of what the KL was paid for.

Source: github.com/zfjsail/gae-pytorch, issue 8; github.com/rachtsingh/ibp_vae, issue 3;
github.com/keras-team/keras, pull request 9972.
"""

import torch
import torch.nn.functional as F
from torch import nn

import nelbo
from tests.gallery.patient import Patient, digits

CAUSE = "sampling_scale"
SYMPTOM = (
    "It works, but the numbers are not those of the paper; should it not be exp(0.5 * logvar)?"
)
WRONG = "std = torch.exp(logvar)"
FIX = "std = torch.exp(0.5 * logvar)"


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
        std = torch.exp(logvar)
        return mu + torch.randn_like(std) * std

    def decode(self, z):
        h = F.relu(self.fc3(z))
        return torch.sigmoid(self.fc4(h))

    def forward(self, x):
        mu, logvar = self.encode(x)
        z = self.reparameterize(mu, logvar)
        return self.decode(z), mu, logvar


class Fixed(VAE):
    def reparameterize(self, mu, logvar):
        return mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)


def loss_function(x, recon, mu, logvar):
    sse = F.mse_loss(recon, x, reduction="sum")
    kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    return (sse + kld) / len(x)


def patient(model_class=VAE):
    torch.manual_seed(0)
    x = digits()
    model = model_class()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(10):
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


def fixed():
    return patient(model_class=Fixed)
