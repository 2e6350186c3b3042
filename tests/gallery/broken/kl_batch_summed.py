"""A reconstruction averaged over the batch, against a KL summed over it.

The reconstruction is rightly summed over the pixels and averaged over the batch; `torch.sum` in
the KL takes the batch along. With batches of 100 it weighs 100 times too much.

Source: github.com/y0ast/VAE-Torch, issue 11, where the reconstruction was averaged and the KL
not.
"""

import torch
import torch.nn.functional as F
from torch import nn

import nelbo
from tests.gallery.patient import Patient, black_and_white

CAUSE = "kl_batch_summed"
SYMPTOM = "The KL is about zero after two or three epochs, and the reconstructions are identical."
WRONG = "kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())"
FIX = "kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp()) / len(x)"


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
    bce = F.binary_cross_entropy_with_logits(recon, x, reduction="none").sum(1).mean()
    kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    return bce + kld


def right_loss(x, recon, mu, logvar):
    bce = F.binary_cross_entropy_with_logits(recon, x, reduction="none").sum(1).mean()
    kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp()) / len(x)
    return bce + kld


def patient(loss=loss_function):
    torch.manual_seed(0)
    x = black_and_white()
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
        output="logits",
    )
    return Patient(doctor, x)


def fixed():
    return patient(loss=right_loss)
