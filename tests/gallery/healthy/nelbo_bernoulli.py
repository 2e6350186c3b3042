"""nelbo's own VAE with its own training: MNIST, binarised anew in every epoch."""

import torch

import nelbo
from tests.gallery.patient import Patient


def patient():
    torch.manual_seed(0)
    mnist = nelbo.data.load("mnist", transform="dynamic_binarise")
    x = mnist.train.spread(1500)
    model = nelbo.VAE(
        data_shape=x.shape,
        latent=16,
        network=nelbo.networks.MLP(hidden=(100,)),
        likelihood=nelbo.likelihoods.Bernoulli(),
    )
    nelbo.fit(model, x, epochs=10, lr=3e-3, callbacks=[])
    return Patient(model, x)
