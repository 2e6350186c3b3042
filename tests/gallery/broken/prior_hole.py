"""A KL with a weight of 0.00001: an autoencoder with a little noise.

Fine where another model is trained on the latents, as latent diffusion does; but whoever samples
the prior decodes points where no code has ever been. Here the owner has a trained model only, and
not the loss that it was trained with.

Source: github.com/CompVis/latent-diffusion, issue 187 (`kl_weight` 0.000001);
github.com/openai/vdvae, issue 10, has the symptom.
"""

import torch
from torch import nn

import nelbo
from tests.gallery.patient import Patient, digits

CAUSE = "prior_hole"
SYMPTOM = "Almost perfect reconstructions, but samples from the normal distribution are noise."
WRONG = "return mse + 1e-5 * kl"
FIX = "return mse + kl"


class VAE(nn.Module):
    def __init__(self, latent_dim=16):
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


def loss_function(x, recon, mu, log_var):
    mse = ((recon - x) ** 2).sum(1).mean()
    kl = 0.5 * (mu**2 + log_var.exp() - log_var - 1).sum(1).mean()
    return mse + 1e-5 * kl


def right_loss(x, recon, mu, log_var):
    mse = ((recon - x) ** 2).sum(1).mean()
    kl = 0.5 * (mu**2 + log_var.exp() - log_var - 1).sum(1).mean()
    return mse + kl


def patient(loss=loss_function):
    torch.manual_seed(0)
    x = digits()
    model = VAE()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(10):
        for batch in x[torch.randperm(len(x))].split(100):
            recon, mu, log_var = model(batch)
            value = loss(batch, recon, mu, log_var)
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
    doctor = nelbo.adapt(
        encode=model.encode,
        decode=model.decode,
        sample=model.sample,
        forward=model,
        output="mean",
    )
    return Patient(doctor, x)


def fixed():
    return patient(loss=right_loss)
