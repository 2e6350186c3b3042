"""Plain PyTorch as an expert writes it: the bytes in memory, fused Adam, nothing else.

Variants: fp32, bf16 (autocast), and either with "-compiled" (torch.compile).
"""

from __future__ import annotations

import torch
from common import LR, THREADS, Order, images, serve, versions
from torch_networks import halves, negative_elbo, weights_of


class PlainTorch:
    def setup(self, job):
        torch.set_num_threads(THREADS)
        torch.manual_seed(job["seed"])
        self.data = torch.from_numpy(images(job["network"], count=job["images"]))
        self.order = Order(len(self.data), job["batch"], job["seed"])
        self.halves = halves(job)
        self.parameters = [p for half in self.halves for p in half.parameters()]
        self.optimizer = torch.optim.Adam(self.parameters, lr=LR, fused=True)
        self.bf16 = "bf16" in job["variant"]
        self.loss = torch.compile(self._loss) if "compiled" in job["variant"] else self._loss
        return {"versions": versions("torch", "numpy")}

    def _loss(self, x):
        x = x.float() / 255.0
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bf16):
            return negative_elbo(*self.halves, x)

    def run(self, steps):
        for index in torch.from_numpy(self.order.take(steps)):
            self.optimizer.zero_grad()
            self.loss(self.data.index_select(0, index)).backward()
            self.optimizer.step()

    def weights(self):
        return weights_of(*self.halves)


if __name__ == "__main__":
    serve(PlainTorch())
