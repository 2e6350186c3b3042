"""nelbo's own VAE with a learned variance, on grey values."""

import torch

import nelbo
from tests.gallery.patient import Patient, digits


def patient():
    torch.manual_seed(0)
    x = digits()
    model = nelbo.VAE(
        data_shape=784,
        latent=16,
        network=nelbo.networks.MLP(hidden=(100,)),
        likelihood=nelbo.likelihoods.Gaussian(sigma="optimal"),
    )
    nelbo.fit(model, x, epochs=10, lr=3e-3, callbacks=[])
    return Patient(model, x)
