"""A small model of MNIST's digits, for objectives that are made for images."""

import torch

import nelbo
from nelbo.rng import seeded


def digits(count):
    """So many images of the test set, and an untrained model of them."""
    images = nelbo.data.load("mnist").test.take(torch.arange(count))
    with seeded(0):
        likelihood = nelbo.likelihoods.ContinuousBernoulli()
        network = nelbo.networks.MLP(hidden=(64,))
        model = nelbo.VAE((1, 28, 28), 4, network=network, likelihood=likelihood)
    return images, model
