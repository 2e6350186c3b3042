"""nelbo through its public `fit`; a callback counts the steps, and waits where a chunk is done.

Variants, joined by "-": fp32 or bf16; eager or compiled, else what `fit` chooses; watched: with the
callbacks that `fit` has by default; started: the decoder at the data's mean, as `nelbo train` does.
"""

from __future__ import annotations

import torch
from common import GAUSSIAN_VARIANCE, LATENT, LR, THREADS, images, serve, versions
from torch_networks import conv_decoder, conv_encoder, weights_of

import nelbo
from nelbo.train import Callback, ProgressDisplay, Watch

COMPILE = {"eager": False, "compiled": True}
FOREVER = 100_000  # epochs


class Chunks(Callback):
    """Lets so many steps through, then waits for the next command."""

    def __init__(self, link, steps):
        self.link, self.left = link, steps

    def on_step(self, epoch, examples, means):
        self.left -= 1
        if self.left == 0:
            self.left = self.link.until_run()


class Nelbo:
    def setup(self, job):
        torch.set_num_threads(THREADS)
        torch.manual_seed(job["seed"])
        words = job["variant"].split("-")
        self.options = {"precision": "bf16" if "bf16" in words else "fp32"}
        asked = next((COMPILE[word] for word in words if word in COMPILE), None)
        self.options |= {} if asked is None else {"compile": asked}
        self.watched, self.job = "watched" in words, job
        self.model, self.train = NETWORKS[job["network"]](job)
        if "started" in words:
            self.model.initialise(nelbo.data.as_source(self.train).mean())
        return {"versions": versions("nelbo", "torch", "numpy"), "options": self.options}

    def run(self, steps):
        """Train; only the end of the process ends it."""
        usual = [ProgressDisplay(), Watch()] if self.watched else []
        nelbo.fit(
            self.model,
            self.train,
            epochs=FOREVER,
            batch=self.job["batch"],
            lr=LR,
            seed=self.job["seed"],
            callbacks=[*usual, Chunks(self.link, steps)],
            **self.options,
        )

    def weights(self):
        return weights_of(self.model.encoder, self.model.decoder)


def flat(job):
    """Return the question's network and MNIST, or as many of its images as are asked for."""
    network = nelbo.networks.MLP(hidden=(job["width"],) * 2, activation="tanh")
    model = nelbo.VAE(data_shape=(1, 28, 28), latent=LATENT["mlp"], network=network)
    train = nelbo.data.load("mnist").train
    if job["images"] != len(train):
        train = images("mlp", count=job["images"]).reshape(-1, 1, 28, 28)
    return model, train


def convolutional(job):
    network = nelbo.networks.Modules(conv_encoder(), conv_decoder())
    likelihood = nelbo.likelihoods.Gaussian(variance=GAUSSIAN_VARIANCE)
    model = nelbo.VAE((3, 32, 32), LATENT["conv"], network=network, likelihood=likelihood)
    return model, images("conv", count=job["images"])


def tiny(job):
    """Return a model with next to no arithmetic."""
    network = nelbo.networks.MLP(hidden=(1, 1), activation="tanh")
    return nelbo.VAE(1, LATENT["tiny"], network=network), images("tiny", count=job["images"])


NETWORKS = {"mlp": flat, "conv": convolutional, "tiny": tiny}


if __name__ == "__main__":
    serve(Nelbo())
