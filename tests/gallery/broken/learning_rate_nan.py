"""Plain SGD on a loss summed over pixels and batch, with the step size of a loss that was averaged.

The summed loss has gradients in the thousands. After a few steps the log-variance overflows in
its exponential, and everything is NaN.

Source: github.com/sinhasam/vaal, issue 10; github.com/y0ast/VAE-Torch, issue 3.
"""

import torch
import torch.nn.functional as F
from torch import nn

import nelbo
from tests.gallery.patient import Patient, black_and_white

CAUSE = "not_finite"
SYMPTOM = "The loss is NaN after a few iterations."
WRONG = "def patient(make=torch.optim.SGD, lr=0.01):"
FIX = "def patient(make=torch.optim.Adam, lr=1e-3):"


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
    return bce + kld


def patient(make=torch.optim.SGD, lr=0.01):
    torch.manual_seed(0)
    x = black_and_white()
    model = VAE()
    optimizer = make(model.parameters(), lr=lr)
    monitor = nelbo.Monitor(warn=print)
    for _ in range(10):
        for batch in x[torch.randperm(len(x))].split(100):
            recon, mu, logvar = model(batch)
            value = loss_function(batch, recon, mu, logvar)
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
            monitor.step(batch, mu, logvar, recon, loss=value)
    doctor = nelbo.adapt(
        encode=model.encode,
        decode=model.decode,
        sample=model.reparameterize,
        forward=model,
        loss=loss_function,
        output="logits",
    )
    return Patient(doctor, x, said=monitor.findings)


def fixed():
    return patient(make=torch.optim.Adam, lr=1e-3)
