"""The decoder ends in a sigmoid, and the loss takes logits.

The loss applies another sigmoid to what is a probability already: the probability that it sees
lies between 0.5 and 0.73, so no pixel can be black.

Source: tutorials with a sigmoid decoder and `sigmoid_cross_entropy_with_logits`; the same
elsewhere, "loss does not converge": github.com/AmazingDD/daisyRec, issue 15.
"""

import torch
import torch.nn.functional as F
from torch import nn

import nelbo
from tests.gallery.patient import Patient, black_and_white

CAUSE = "double_sigmoid"
SYMPTOM = "The loss gets stuck at more than 500 and everything is grey."
WRONG = 'bce = F.binary_cross_entropy_with_logits(recon, x, reduction="sum")'
FIX = "Return the logits from decode: self.fc4(h), without the sigmoid."


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


class Fixed(VAE):
    def decode(self, z):
        return self.fc4(F.relu(self.fc3(z)))


def loss_function(x, recon, mu, logvar):
    bce = F.binary_cross_entropy_with_logits(recon, x, reduction="sum")
    kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    return (bce + kld) / len(x)


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
