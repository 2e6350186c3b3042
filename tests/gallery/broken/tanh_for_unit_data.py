"""A decoder that ends in tanh, -1 to 1, for pixels from 0 to 1.

Half of the decoder's range is never wanted, and black is no longer at the end of a range, where a
sigmoid would hold it, but in its middle, where the decoder has to hit it exactly: it puts out
negative pixels.

Source: github.com/AntixK/PyTorch-VAE, issues 48 and 108 and pull request 63.
"""

import torch
import torch.nn.functional as F
from torch import nn

import nelbo
from tests.gallery.patient import Patient, digits

CAUSE = "range_mismatch"
SYMPTOM = "The pictures have pixels below zero; should the last layer not be a sigmoid?"
WRONG = "return torch.tanh(self.fc4(h))"
FIX = "return torch.sigmoid(self.fc4(h))"


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
        return torch.tanh(self.fc4(h))

    def forward(self, x):
        mu, logvar = self.encode(x)
        z = self.reparameterize(mu, logvar)
        return self.decode(z), mu, logvar


class Fixed(VAE):
    def decode(self, z):
        return torch.sigmoid(self.fc4(F.relu(self.fc3(z))))


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
