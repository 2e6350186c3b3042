"""An autoregressive decoder, trained beforehand, that predicts every pixel from those before it.

As with a pretrained language model as decoder: it gets the true pixels as input (teacher
forcing), and they tell it nearly everything that z could. A posterior that says nothing costs
nothing, so the KL goes to zero and z is ignored.

Source: github.com/yanggeng1995/vae_tacotron, issue 10; github.com/molecularsets/moses, issue 45;
Bowman et al. 2016, Generating sentences from a continuous space. The masks are those of MADE,
Germain et al. 2015.
"""

import torch
import torch.nn.functional as F
from torch import nn

import nelbo
from tests.gallery.patient import Patient, digits

CAUSE = "ignores_latents"
SYMPTOM = "The KL becomes zero after a few hundred steps, whatever the schedule of its weight."
WRONG = "return self.output(F.relu(self.hidden(x))) + self.direct(x) + self.latent(z)"
FIX = "Weaken the decoder (drop pixels from its input), or give the KL free bits."


class MaskedLinear(nn.Linear):
    def __init__(self, mask):
        super().__init__(mask.shape[1], mask.shape[0])
        self.register_buffer("mask", mask)

    def forward(self, x):
        return F.linear(x, self.mask * self.weight, self.bias)


class AutoregressiveVAE(nn.Module):
    def __init__(self, pixels=196, hidden=128, latent=2):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(pixels, 64), nn.ReLU(), nn.Linear(64, 2 * latent))
        pixel, unit = torch.arange(pixels), torch.arange(hidden) % (pixels - 1)
        self.hidden = MaskedLinear((unit[:, None] >= pixel).float())
        self.output = MaskedLinear((pixel[:, None] > unit).float())
        self.direct = MaskedLinear((pixel[:, None] > pixel).float())
        self.latent = nn.Linear(latent, pixels)
        nn.init.normal_(self.latent.weight, std=0.02)

    def encode(self, x):
        return self.encoder(x).chunk(2, dim=1)

    def reparameterize(self, mu, logvar):
        return mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)

    def decode(self, z, x):
        return self.output(F.relu(self.hidden(x))) + self.direct(x) + self.latent(z)

    def forward(self, x):
        mu, logvar = self.encode(x)
        return self.decode(self.reparameterize(mu, logvar), x), mu, logvar


def small_digits():
    return (F.avg_pool2d(digits().view(-1, 1, 28, 28), 2).flatten(1) > 0.4).float()


def loss_function(x, recon, mu, logvar):
    bce = F.binary_cross_entropy_with_logits(recon, x, reduction="sum") / len(x)
    kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp()) / len(x)
    return bce + kld


def patient():
    torch.manual_seed(0)
    x = small_digits()
    model = AutoregressiveVAE()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(20):  # the decoder first, without z
        for batch in x[torch.randperm(len(x))].split(100):
            recon = model.decode(torch.zeros(len(batch), 2), batch)
            value = F.binary_cross_entropy_with_logits(recon, batch, reduction="sum") / len(batch)
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
    for _ in range(15):
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
