"""A KL averaged over the latents, against a reconstruction summed over the pixels.

The KL weighs 20 times too little, and with another number of latents another number of times.
Reconstructions look fine, even better than they should; samples from the prior do not.

Source: github.com/keras-team/keras-io, issue 270; stats.stackexchange.com question 485488.
"""

import torch
import torch.nn.functional as F
from torch import nn

import nelbo
from tests.gallery.patient import Patient, black_and_white

CAUSE = "kl_averaged"
SYMPTOM = (
    "Reconstructions are good, random samples are not; should the KL be summed instead of averaged?"
)
WRONG = "kl = -0.5 * torch.mean(1 + logvar - mu**2 - logvar.exp(), dim=1)"
FIX = "kl = -0.5 * torch.sum(1 + logvar - mu**2 - logvar.exp(), dim=1)"


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
    reconstruction = F.binary_cross_entropy_with_logits(recon, x, reduction="none").sum(dim=1)
    kl = -0.5 * torch.mean(1 + logvar - mu**2 - logvar.exp(), dim=1)
    return torch.mean(reconstruction + kl)


def right_loss(x, recon, mu, logvar):
    reconstruction = F.binary_cross_entropy_with_logits(recon, x, reduction="none").sum(dim=1)
    kl = -0.5 * torch.sum(1 + logvar - mu**2 - logvar.exp(), dim=1)
    return torch.mean(reconstruction + kl)


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
