"""Skip connections from the encoder to the decoder, as in a U-Net.

The decoder is given the encoder's hidden layer besides z. Reconstructions are excellent, without
any use of z, so the KL goes to zero; and from the prior there is nothing to put into the skips.

Source: github.com/Virtsionis/torch-nilm, issue 13: the bottleneck is bypassed.
"""

import torch
import torch.nn.functional as F
from torch import nn

import nelbo
from tests.gallery.patient import Patient, digits

CAUSE = "decoder_sees_x"
SYMPTOM = "Noise added to z changes no output; reconstructions are perfect, samples rubbish."
WRONG = "return self.decode(self.reparameterize(mu, logvar), skips), mu, logvar"
FIX = "Give the decoder z alone: remove the skips."


class UNetVAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.down1 = nn.Linear(784, 128)
        self.down2 = nn.Linear(128, 64)
        self.mu = nn.Linear(64, 16)
        self.logvar = nn.Linear(64, 16)
        self.up1 = nn.Linear(16, 64)
        self.up2 = nn.Linear(64 + 64, 128)
        self.up3 = nn.Linear(128 + 128, 784)

    def features(self, x):
        h1 = F.relu(self.down1(x))
        return h1, F.relu(self.down2(h1))

    def encode(self, x):
        h1, h2 = self.features(x)
        return self.mu(h2), self.logvar(h2)

    def reparameterize(self, mu, logvar):
        return mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)

    def decode(self, z, skips=None):
        h1, h2 = skips or (z.new_zeros(len(z), 128), z.new_zeros(len(z), 64))
        h = F.relu(self.up1(z))
        h = F.relu(self.up2(torch.cat([h, h2], dim=1)))
        return torch.sigmoid(self.up3(torch.cat([h, h1], dim=1)))

    def forward(self, x):
        skips = self.features(x)
        mu, logvar = self.mu(skips[1]), self.logvar(skips[1])
        return self.decode(self.reparameterize(mu, logvar), skips), mu, logvar


def loss_function(x, recon, mu, logvar):
    sse = F.mse_loss(recon, x, reduction="sum") / len(x)
    kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp()) / len(x)
    return sse + kld


def patient():
    torch.manual_seed(0)
    x = digits()
    model = UNetVAE()
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
        output="mean",
    )
    return Patient(doctor, x)
