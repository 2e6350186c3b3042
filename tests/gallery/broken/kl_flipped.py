"""The KL is subtracted although it is positive already.

The literature has `+ 0.5 * sum(1 + logvar - mu^2 - exp(logvar))` in what is maximised; after a
change of sign somewhere, another one was one too many. The posterior runs away from the prior,
and the loss has no lower bound.

Source: public code that returns `BCE - KLD` with a positive KLD; github.com/pytorch/examples,
issue 824, asks about the same sign.
"""

import torch
import torch.nn.functional as F
from torch import nn

import nelbo
from tests.gallery.patient import Patient, black_and_white

CAUSE = "kl_flipped"
SYMPTOM = "The loss is negative and falls without end, while the images get worse."
WRONG = "return (bce - kld) / len(x)"
FIX = "return (bce + kld) / len(x)"


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
    bce = F.binary_cross_entropy(recon, x, reduction="sum")
    kld = 0.5 * torch.sum(mu.pow(2) + logvar.exp() - logvar - 1)
    return (bce - kld) / len(x)


def right_loss(x, recon, mu, logvar):
    bce = F.binary_cross_entropy(recon, x, reduction="sum")
    kld = 0.5 * torch.sum(mu.pow(2) + logvar.exp() - logvar - 1)
    return (bce + kld) / len(x)


def patient(loss=loss_function):
    torch.manual_seed(0)
    x = black_and_white()
    model = VAE()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(6):
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
