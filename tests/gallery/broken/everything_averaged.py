"""Both terms averaged over all their elements.

It looks fair, but 784 pixels and 8 latents are averaged: the reconstruction is divided by 784,
the KL by 8, and the decoder's variance becomes 784 / (2 * 8) = 49.

Source: github.com/ethanluoyc/pytorch-vae, issue 3; in the same way github.com/nmichlo/disent.
"""

import torch
from torch import nn

import nelbo
from tests.gallery.patient import Patient, digits

CAUSE = "pixels_averaged"
SYMPTOM = "All generated images are very blurry and all the same: a fuzzy 9."
WRONG = "return nn.MSELoss()(recon, x) + latent_loss(mean, log_var)"
FIX = "Sum over pixels and latents, then average over the batch."


class VAE(nn.Module):
    def __init__(self, latent_dim=8):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 2 * latent_dim))
        self.decoder = nn.Sequential(
            nn.Linear(latent_dim, 128), nn.ReLU(), nn.Linear(128, 784), nn.Sigmoid()
        )

    def encode(self, x):
        return self.encoder(x).chunk(2, dim=1)

    def decode(self, z):
        return self.decoder(z)

    def sample(self, mu, log_var):
        return mu + torch.exp(log_var / 2) * torch.randn_like(mu)

    def forward(self, x):
        mu, log_var = self.encode(x)
        return self.decode(self.sample(mu, log_var)), mu, log_var


def latent_loss(mean, log_var):
    return 0.5 * torch.mean(mean * mean + log_var.exp() - log_var - 1)


def loss_function(x, recon, mean, log_var):
    return nn.MSELoss()(recon, x) + latent_loss(mean, log_var)


def right_loss(x, recon, mean, log_var):
    square = nn.MSELoss(reduction="sum")(recon, x) / len(x)
    return square + 8 * latent_loss(mean, log_var)


def patient(loss=loss_function):
    torch.manual_seed(0)
    x = digits()
    model = VAE()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(10):
        for batch in x[torch.randperm(len(x))].split(100):
            recon, mean, log_var = model(batch)
            value = loss(batch, recon, mean, log_var)
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
    doctor = nelbo.adapt(
        encode=model.encode,
        decode=model.decode,
        sample=model.sample,
        forward=model,
        loss=loss,
        output="mean",
    )
    return Patient(doctor, x)


def fixed():
    return patient(loss=right_loss)
