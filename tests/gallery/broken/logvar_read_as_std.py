"""The KL reads the encoder's second output as a standard deviation, the sampler as a log-variance.

Two tutorials were put together: one whose encoder gives a standard deviation, and one whose
encoder gives its log-variance. Both formulas are right, but not of the same number: the penalty
is smallest where the "standard deviation" is 1, and there the sampler adds noise of variance e.

Source: the KL of github.com/dragen1860/Deep-Learning-with-PyTorch-Tutorials, lesson 55, whose
encoder has a head for the standard deviation, with the sampler of github.com/pytorch/examples.
"""

import torch
import torch.nn.functional as F
from torch import nn

import nelbo
from tests.gallery.patient import Patient, digits

CAUSE = "kl_wrong"
SYMPTOM = (
    "It trains, but the images stay noisy and blurred, and the KL never comes near that of others."
)
WRONG = "kld = 0.5 * torch.sum(mu**2 + logvar**2 - torch.log(1e-8 + logvar**2) - 1)"
FIX = "kld = 0.5 * torch.sum(mu**2 + logvar.exp() - logvar - 1)"


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
    sse = F.mse_loss(recon, x, reduction="sum")
    kld = 0.5 * torch.sum(mu**2 + logvar**2 - torch.log(1e-8 + logvar**2) - 1)
    return (sse + kld) / len(x)


def right_loss(x, recon, mu, logvar):
    sse = F.mse_loss(recon, x, reduction="sum")
    kld = 0.5 * torch.sum(mu**2 + logvar.exp() - logvar - 1)
    return (sse + kld) / len(x)


def patient(loss=loss_function):
    torch.manual_seed(0)
    x = digits()
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
        output="mean",
    )
    return Patient(doctor, x)


def fixed():
    return patient(loss=right_loss)
