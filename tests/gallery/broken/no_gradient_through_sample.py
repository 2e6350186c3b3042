"""`torch.normal` draws the latents, and no gradient passes through it.

It takes mean and standard deviation, gives the right numbers and cuts the graph: the
reconstruction never tells the encoder anything. All that the encoder hears is the KL, which it
brings to zero.

Source: github.com/pytorch/pytorch, issue 4620; the same with `Normal(...).sample()` for
`rsample()`.
"""

import torch
import torch.nn.functional as F
from torch import nn

import nelbo
from tests.gallery.patient import Patient, black_and_white

CAUSE = "sampling_detached"
SYMPTOM = (
    "It trains without an error, but the KL is exactly zero and every reconstruction is the same."
)
WRONG = "return torch.normal(mu, std)"
FIX = "return mu + std * torch.randn_like(std)"


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
        return torch.normal(mu, std)

    def decode(self, z):
        h = F.relu(self.fc3(z))
        return self.fc4(h)

    def forward(self, x):
        mu, logvar = self.encode(x)
        z = self.reparameterize(mu, logvar)
        return self.decode(z), mu, logvar


class Fixed(VAE):
    def reparameterize(self, mu, logvar):
        return mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)


def loss_function(x, recon, mu, logvar):
    bce = F.binary_cross_entropy_with_logits(recon, x, reduction="sum") / len(x)
    kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp()) / len(x)
    return bce + kld


def patient(model_class=VAE):
    torch.manual_seed(0)
    x = black_and_white()
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
        output="logits",
    )
    return Patient(doctor, x)


def fixed():
    return patient(model_class=Fixed)
