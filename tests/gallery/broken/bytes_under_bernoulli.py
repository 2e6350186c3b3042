"""Bytes, 0 to 255, under a cross-entropy that is made for 0 to 1.

The images were never divided by 255. With x = 200, `softplus(a) - x * a` has no lower bound: the
loss goes to minus infinity as the logits grow.

Source: github.com/Lasagne/Recipes, issue 54; stats.stackexchange.com question 630079.
"""

import torch
import torch.nn.functional as F
from torch import nn

import nelbo
from tests.gallery.patient import Patient, digit_bytes

CAUSE = "data_outside_support"
SYMPTOM = "The loss is negative and falls into the millions. Is that normal?"
WRONG = "x = digit_bytes()"
FIX = "x = (digit_bytes() / 255 > 0.5).float()"


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


def loss_function(x, recon, mu, logvar):
    bce = F.binary_cross_entropy_with_logits(recon, x, reduction="sum")
    kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    return (bce + kld) / len(x)


def patient():
    torch.manual_seed(0)
    x = digit_bytes()
    model = VAE()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
    for _ in range(8):
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
        output="logits",
    )
    return Patient(doctor, x)
