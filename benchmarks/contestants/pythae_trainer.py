"""Pythae's own trainer, every setting at its default but network, batch and learning rate."""

from __future__ import annotations

import tempfile

import numpy as np
import torch
from common import LATENT, LR, THREADS, images, serve, versions
from pythae.data.datasets import BaseDataset
from pythae.models import VAE, VAEConfig
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseEncoder
from pythae.trainers import BaseTrainer, BaseTrainerConfig
from pythae.trainers.training_callbacks import TrainingCallback
from torch_networks import halves, weights_of

FOREVER = 100_000  # epochs


class Encoder(BaseEncoder):
    def __init__(self, network, flat):
        super().__init__()
        self.network, self.flat = network, flat

    def forward(self, x):
        mu, logvar = self.network(x.reshape(len(x), -1) if self.flat else x).chunk(2, dim=1)
        return ModelOutput(embedding=mu, log_covariance=logvar)


class Decoder(BaseDecoder):
    def __init__(self, network, flat):
        super().__init__()
        self.network, self.flat = network, flat

    def forward(self, z):
        found = self.network(z)
        if self.flat:  # its "bce" takes probabilities
            found = torch.sigmoid(found).reshape(-1, 1, 28, 28)
        return ModelOutput(reconstruction=found)


class Chunks(TrainingCallback):
    """Lets so many steps through, then waits for the next command."""

    def __init__(self, link, steps):
        self.link, self.left = link, steps

    def on_train_step_end(self, training_config, **kwargs):
        self.left -= 1
        if self.left == 0:
            self.left = self.link.until_run()


class Pythae:
    def setup(self, job):
        torch.set_num_threads(THREADS)
        torch.manual_seed(job["seed"])
        flat = job["network"] == "mlp"
        shape = (1, 28, 28) if flat else (3, 32, 32)
        config = VAEConfig(
            input_dim=shape,
            latent_dim=LATENT[job["network"]],
            reconstruction_loss="bce" if flat else "mse",
        )
        encoder, decoder = halves(job)
        self.model = VAE(config, encoder=Encoder(encoder, flat), decoder=Decoder(decoder, flat))
        x = images(job["network"], count=job["images"]).reshape(-1, *shape)
        x = torch.from_numpy(x.astype(np.float32) / 255.0)
        self.data = BaseDataset(x, torch.zeros(len(x)))
        self.job = job
        return {"versions": versions("pythae", "torch", "numpy")}

    def run(self, steps):
        """Train; only the end of the process ends it."""
        with tempfile.TemporaryDirectory() as folder:
            settings = BaseTrainerConfig(
                output_dir=folder,
                num_epochs=FOREVER,
                learning_rate=LR,
                per_device_train_batch_size=self.job["batch"],
                no_cuda=True,
            )
            callbacks = [Chunks(self.link, steps)]
            BaseTrainer(self.model, self.data, None, settings, callbacks).train()

    def weights(self):
        return weights_of(self.model.encoder, self.model.decoder)


if __name__ == "__main__":
    serve(Pythae())
