"""PyTorch as tutorials write it: a Dataset of PIL images with ToTensor, a DataLoader, Adam."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from common import GAUSSIAN_VARIANCE, LR, THREADS, images, serve, versions
from PIL import Image
from torch.utils.data import DataLoader, Dataset
from torch_networks import halves, weights_of


def to_tensor(picture):
    """Return what torchvision's ToTensor makes of a picture of bytes."""
    pixels = torch.from_numpy(np.array(picture, np.uint8, copy=True))
    pixels = pixels.view(picture.size[1], picture.size[0], len(picture.getbands()))
    return pixels.permute((2, 0, 1)).contiguous().to(torch.float32).div(255)


class Images(Dataset):
    """As torchvision's MNIST and CIFAR10: bytes in memory, each image through PIL."""

    def __init__(self, pixels):
        self.pixels = pixels  # [n, height, width] or [n, height, width, 3]

    def __len__(self):
        return len(self.pixels)

    def __getitem__(self, index):
        return to_tensor(Image.fromarray(self.pixels[index])), 0


class TutorialTorch:
    def setup(self, job):
        torch.set_num_threads(THREADS)
        torch.manual_seed(job["seed"])
        x, self.flat = images(job["network"], count=job["images"]), job["network"] == "mlp"
        pixels = x.reshape(-1, 28, 28) if self.flat else x.transpose(0, 2, 3, 1).copy()
        self.loader = DataLoader(Images(pixels), batch_size=job["batch"], shuffle=True)
        self.encoder, self.decoder = halves(job)
        parameters = [*self.encoder.parameters(), *self.decoder.parameters()]
        self.optimizer = torch.optim.Adam(parameters, lr=LR)
        self.batches, self.total = iter(()), 0.0
        return {"versions": versions("torch", "numpy", "pillow")}

    def run(self, steps):
        for _ in range(steps):
            x = self.next_batch()
            x = x.view(-1, 784) if self.flat else x
            self.optimizer.zero_grad()
            mu, logvar = self.encoder(x).chunk(2, dim=1)
            z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
            loss = self.loss(self.decoder(z), x, mu, logvar)
            loss.backward()
            self.total += loss.item()
            self.optimizer.step()

    def loss(self, output, x, mu, logvar):
        if self.flat:
            nll = F.binary_cross_entropy(torch.sigmoid(output), x, reduction="sum")
        else:
            nll = 0.5 * F.mse_loss(output, x, reduction="sum") / GAUSSIAN_VARIANCE
        kl = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
        return (nll + kl) / len(x)

    def next_batch(self):
        found = next(self.batches, None)
        if found is None:
            self.batches = iter(self.loader)
            found = next(self.batches)
        return found[0]

    def weights(self):
        return weights_of(self.encoder, self.decoder)


if __name__ == "__main__":
    serve(TutorialTorch())
