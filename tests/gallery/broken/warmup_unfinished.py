"""A KL warm-up of 100,000 steps in a run of 150.

The schedule came with the code and was made for more data and more epochs. At the end of the run
beta is 0.0015: what was trained is almost an autoencoder, and the last loss is no ELBO.

Source: github.com/scverse/scvi-tools, issue 1569: warm-ups longer than the run, beta silently
below 1.
"""

import torch
import torch.nn.functional as F
from torch import nn

import nelbo
from tests.gallery.patient import Patient, digits

CAUSE = "warmup_unfinished"
SYMPTOM = (
    "The loss keeps rising during training; samples are bad although beta should have come to 1."
)
WRONG = "def patient(warmup=100_000):"
FIX = "def patient(warmup=60):"


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


def patient(warmup=100_000):
    torch.manual_seed(0)
    x = digits()
    model = VAE()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    monitor = nelbo.Monitor(warn=print)
    step = 0
    for _ in range(10):
        for batch in x[torch.randperm(len(x))].split(100):
            recon, mu, logvar = model(batch)
            sse = F.mse_loss(recon, batch, reduction="sum") / len(batch)
            kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp()) / len(batch)
            beta = min(1.0, step / warmup)
            loss = sse + beta * kld
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            monitor.step(batch, mu, logvar, recon, loss=loss, beta=beta)
            step += 1
    doctor = nelbo.adapt(
        encode=model.encode,
        decode=model.decode,
        sample=model.reparameterize,
        forward=model,
        output="mean",
    )
    return Patient(doctor, x, said=monitor.findings)


def fixed():
    return patient(warmup=60)
