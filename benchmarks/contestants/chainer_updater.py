"""Chainer 5.0.0: its iterator, its updater, the VAE of its examples with two hidden layers."""

from __future__ import annotations

import chainer
import chainer.functions as F
import chainer.links as L
import numpy as np
from chainer import training
from common import CHANNELS, GAUSSIAN_VARIANCE, LATENT, LR, images, layers, serve, versions


class VAE(chainer.Chain):
    """The VAE of Chainer's examples, one hidden layer more on each side."""

    def __init__(self, job):
        super().__init__()
        encoder, decoder = layers(job)
        n_in, n_h, n_latent = encoder[0], encoder[1], decoder[0]
        with self.init_scope():
            self.le1 = L.Linear(n_in, n_h)
            self.le2 = L.Linear(n_h, n_h)
            self.le3_mu = L.Linear(n_h, n_latent)
            self.le3_ln_var = L.Linear(n_h, n_latent)
            self.ld1 = L.Linear(n_latent, n_h)
            self.ld2 = L.Linear(n_h, n_h)
            self.ld3 = L.Linear(n_h, n_in)

    def encode(self, x):
        h2 = F.tanh(self.le2(F.tanh(self.le1(x))))
        return self.le3_mu(h2), self.le3_ln_var(h2)

    def decode(self, z):
        return self.ld3(F.tanh(self.ld2(F.tanh(self.ld1(z)))))

    def nll(self, x, output):
        return F.bernoulli_nll(x, output)

    def weights(self):
        heads = [np.concatenate([a, b]) for a, b in zip(*map(arrays, self.heads()), strict=True)]
        before, after = [self.le1, self.le2], [self.ld1, self.ld2, self.ld3]
        found = [*map(arrays, before), heads, *map(arrays, after)]
        return [array for w, b in found for array in (w.T.copy(), b)]

    def heads(self):
        return self.le3_mu, self.le3_ln_var


class ConvolutionalVAE(chainer.Chain):
    def __init__(self):
        super().__init__()
        n_latent, first = LATENT["conv"], CHANNELS[-1]
        pairs = list(zip(CHANNELS, CHANNELS[1:], strict=False))
        with self.init_scope():
            convs = (L.Convolution2D(i, o, 4, stride=2, pad=1) for i, o in pairs)
            self.convs = chainer.ChainList(*convs)
            self.mu = L.Linear(16 * first, n_latent)
            self.ln_var = L.Linear(16 * first, n_latent)
            self.start = L.Linear(n_latent, 16 * first)
            deconvs = (L.Deconvolution2D(o, i, 4, stride=2, pad=1) for i, o in pairs[::-1])
            self.deconvs = chainer.ChainList(*deconvs)

    def encode(self, x):
        for conv in self.convs:
            x = F.relu(conv(x))
        return self.mu(x), self.ln_var(x)

    def decode(self, z):
        h = self.start(z).reshape(len(z), CHANNELS[-1], 4, 4)
        for deconv in self.deconvs:
            h = deconv(F.relu(h))
        return h

    def nll(self, x, output):
        return 0.5 * F.sum((x - output) ** 2) / GAUSSIAN_VARIANCE


def arrays(link):
    return link.W.data, link.b.data


def loss_function(model):
    """Return the loss as the example's `get_loss_func` does, with one sample."""

    def lf(x):
        mu, ln_var = model.encode(x)
        z = F.gaussian(mu, ln_var)
        rec_loss = model.nll(x, model.decode(z)) / len(x)
        loss = rec_loss + F.gaussian_kl_divergence(mu, ln_var) / len(x)
        chainer.report({"rec_loss": rec_loss, "loss": loss}, observer=model)
        return loss

    return lf


class Chainer:
    def setup(self, job):
        np.random.seed(job["seed"])
        x = images(job["network"], count=job["images"]).astype(np.float32)
        x /= 255.0
        self.model = VAE(job) if job["network"] == "mlp" else ConvolutionalVAE()
        optimizer = chainer.optimizers.Adam(alpha=LR)
        optimizer.setup(self.model)
        iterator = chainer.iterators.SerialIterator(x, job["batch"])
        loss = loss_function(self.model)
        self.updater = training.StandardUpdater(iterator, optimizer, loss_func=loss)
        return {"versions": versions("chainer", "numpy")}

    def run(self, steps):
        reporter = chainer.Reporter()  # as chainer's Trainer keeps one
        reporter.add_observer("main", self.model)
        with reporter.scope({}):
            for _ in range(steps):
                self.updater.update()

    def weights(self):
        return self.model.weights()


if __name__ == "__main__":
    serve(Chainer())
