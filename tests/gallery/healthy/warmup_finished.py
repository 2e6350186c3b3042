"""A KL warm-up that ends after a third of the run, with a monitor in the loop."""

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


def warmup(step):
    return min(1.0, step / 60)


def patient():
    torch.manual_seed(0)
    x = black_and_white()
    model = VAE()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    monitor = nelbo.Monitor()
    step = 0
    for _ in range(10):
        for batch in x[torch.randperm(len(x))].split(100):
            recon, mu, logvar = model(batch)
            bce = F.binary_cross_entropy_with_logits(recon, batch, reduction="sum") / len(batch)
            kld = 0.5 * torch.sum(mu.pow(2) + logvar.exp() - logvar - 1) / len(batch)
            beta = warmup(step)
            loss = bce + beta * kld
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            monitor.step(batch, mu, logvar, torch.sigmoid(recon), loss=loss, beta=beta)
            step += 1
    doctor = nelbo.adapt(
        encode=model.encode,
        decode=model.decode,
        sample=model.reparameterize,
        forward=model,
        beta=warmup,
        steps=step,
        output="logits",
    )
    return Patient(doctor, x, said=monitor.findings)
