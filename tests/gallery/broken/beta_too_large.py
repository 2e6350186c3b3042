"""A beta of 250, from a paper with other data and another loss.

Beta-VAEs are tuned for factors of variation; what is a good beta depends on the data and on how
the reconstruction is scaled. Under a Bernoulli, MNIST has nothing to say that is worth 250 times
its nats.

Source: beta = 250 of Higgins et al. 2017 (beta-VAE, CelebA); github.com/1Konny/Beta-VAE, issue 4.
"""

import torch
import torch.nn.functional as F
from torch import nn

import nelbo
from tests.gallery.patient import Patient, black_and_white

CAUSE = "beta_too_large"
SYMPTOM = "With beta > 1 the KL converges to a number close to zero; how is that prevented?"
WRONG = "BETA = 250"
FIX = "BETA = 1"


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


BETA = 250


def loss_function(x, recon, mu, logvar):
    bce = F.binary_cross_entropy_with_logits(recon, x, reduction="sum") / len(x)
    kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp()) / len(x)
    return bce + BETA * kld


def right_loss(x, recon, mu, logvar):
    bce = F.binary_cross_entropy_with_logits(recon, x, reduction="sum") / len(x)
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
