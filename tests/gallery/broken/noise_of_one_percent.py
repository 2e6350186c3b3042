"""Samples with noise of standard deviation 0.01, where the KL assumes 1.

A constant from an example, kept because the pictures looked sharper. The decoder reads codes that
are almost free of noise, and the KL is charged as if they were drowned in it: two nats are
reported for codes that carry a hundred.

Source: the VAE example of github.com/keras-team/keras of mid-2016 (`epsilon_std = 0.01`),
corrected in its pull request 4211.
"""

import torch
import torch.nn.functional as F
from torch import nn

import nelbo
from tests.gallery.patient import Patient, digits

CAUSE = "sampling_scale"
SYMPTOM = (
    "Reconstructions are as sharp as an autoencoder's, at a KL of two nats: too good to be true."
)
WRONG = "std = 0.01 * torch.exp(logvar / 2)"
FIX = "std = torch.exp(logvar / 2)"


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
        std = 0.01 * torch.exp(logvar / 2)
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
        return mu + torch.exp(logvar / 2) * torch.randn_like(mu)


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
