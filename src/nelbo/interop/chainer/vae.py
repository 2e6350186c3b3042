"""The question's VAE: Chainer's example with one more hidden layer on either side."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

import nelbo.interop.chainer.functions as F
from nelbo.errors import BadValue
from nelbo.interop.chainer.arrays import Array, tensor
from nelbo.interop.chainer.links import Chain, Linear
from nelbo.interop.chainer.reconstructions import bernoulli

__all__ = ["VAE"]


class VAE(Chain):
    """A VAE of two hidden layers of n_h units in the encoder and two in the decoder.

    Its weights are read and written by `load_npz` and `save_npz` under Chainer's names.

    Source: Chainer 5.0.0, examples/vae/net.py, with the links of the question.

    Args:
        n_in: number of features of an example.
        n_latent: number of latent dimensions.
        n_h: number of units of each hidden layer.
        act_func: activation of the hidden layers.

    Raises:
        ValueError: a size below 1.

    Example:
        >>> model = VAE(784, 20, 200, F.tanh)
        >>> model(torch.zeros(3, 784)).shape
        torch.Size([3, 784])
    """

    rec_loss: Tensor
    loss: Tensor

    def __init__(
        self, n_in: int, n_latent: int, n_h: int, act_func: Callable[[Tensor], Tensor] = F.tanh
    ) -> None:
        super().__init__()
        self.n_in, self.n_latent, self.n_h, self.act_func = n_in, n_latent, n_h, act_func
        with self.init_scope():
            self.le1 = Linear(n_in, n_h)
            self.le2 = Linear(n_h, n_h)
            self.le3_mu = Linear(n_h, n_latent)
            self.le3_ln_var = Linear(n_h, n_latent)
            self.ld1 = Linear(n_latent, n_h)
            self.ld2 = Linear(n_h, n_h)
            self.ld3 = Linear(n_h, n_in)

    def encode(self, x: Array) -> tuple[Tensor, Tensor]:
        """Return mean and log-variance of q(z|x), each [batch, n_latent], for x [batch, n_in].

        Example:
            >>> mu, ln_var = VAE(4, 2, 8).encode(torch.zeros(3, 4))
            >>> mu.shape, ln_var.shape
            (torch.Size([3, 2]), torch.Size([3, 2]))
        """
        h = self.act_func(self.le2(self.act_func(self.le1(x))))
        return self.le3_mu(h), self.le3_ln_var(h)

    def decode(self, z: Array, sigmoid: bool = True) -> Tensor:
        """Return pixels in (0, 1), or log-odds without `sigmoid`, [batch, n_in], for z.

        Example:
            >>> VAE(4, 2, 8).decode(torch.zeros(3, 2)).shape
            torch.Size([3, 4])
        """
        logits = self.ld3(self.act_func(self.ld2(self.act_func(self.ld1(z)))))
        return F.sigmoid(logits) if sigmoid else logits

    def forward(self, x: Array, sigmoid: bool = True) -> Tensor:
        """Return the reconstruction of x from the mean of q(z|x), [batch, n_in].

        Example:
            >>> VAE(4, 2, 8)(torch.zeros(3, 4)).shape
            torch.Size([3, 4])
        """
        return self.decode(self.encode(x)[0], sigmoid)

    # (1/k) sum_l reconstruction(x, decode(z_l)) + (C/B) KL(q(z|x) || N(0, 1))
    def get_loss_func(
        self,
        C: float = 1.0,
        k: int = 1,
        reconstruction: Callable[[Tensor, Tensor], Tensor] = bernoulli,
    ) -> Callable[[Array], Tensor]:
        """Return the function of a batch that training minimises, averaged over the batch.

        It leaves the value on the model as `loss`, and the reconstruction's part as `rec_loss`.

        Source: Chainer 5.0.0, examples/vae/net.py.

        Args:
            C: weight of the divergence.
            k: number of latents drawn per example.
            reconstruction: a scalar function of data and log-odds, such as those of
                `nelbo.interop.chainer.reconstructions`; the default is Chainer's.

        Raises:
            ValueError: k is not an integer of at least 1.

        Example:
            >>> model = VAE(4, 2, 8)
            >>> loss = model.get_loss_func()(torch.zeros(3, 4))
            >>> loss is model.loss
            True
        """
        if not isinstance(k, int) or k < 1:
            raise BadValue("k", expected="an integer of at least 1", got=k, fix="Try 1.")

        def loss_of(x: Array) -> Tensor:
            x = tensor("x", x, beside=self.le1.weight)
            mu, ln_var = self.encode(x)
            draws = (self.decode(F.gaussian(mu, ln_var), sigmoid=False) for _ in range(k))
            self.rec_loss = torch.stack([reconstruction(x, a) for a in draws]).mean(0)
            self.loss = self.rec_loss + C * F.gaussian_kl_divergence(mu, ln_var) / len(x)
            return self.loss

        return loss_of
