"""Uniform prior over codes."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from nelbo.distributions.codes import CODES, CodeSequences, Connection, connected, connection
from nelbo.priors.base import Prior
from nelbo.registry import register


# p(k_1, ..., k_G) = 1 / codes^G
@register("prior", "uniform_codes")
class UniformCodes(Prior):
    """Every sequence of codes is as likely as every other: the KL is `groups * log(codes)` nats.

    What a model is trained with; 'autoregressive_codes' learns afterwards which sequences come.

    Source: van den Oord, Vinyals & Kavukcuoglu 2017, Neural discrete representation learning,
    section 3.1.

    Raises:
        ValueError: the posterior's latents are no codes.

    Example:
        >>> import nelbo
        >>> posterior = nelbo.posteriors.VQ(codes=8, dim=2)
        >>> model = nelbo.VAE(data_shape=(4,), latent=6, posterior=posterior, prior=UniformCodes())
        >>> model.terms(torch.rand(2, 4)).kl_total  # 3 log 8
        tensor([6.2383, 6.2383])

    """

    base_measure = CODES

    like: Tensor

    def setup(self, latent: int) -> None:
        """Take note of the number of latents."""
        self.latent, self._posterior = latent, Connection()
        self.register_buffer("like", torch.zeros(()), persistent=False)

    def connect(self, posterior: nn.Module, data_shape: tuple[int, ...], covariates: int) -> None:
        """Take note of the posterior, whose codes these are."""
        self._posterior = connection(self, posterior)

    def forward(self) -> CodeSequences:
        """Return p(z)."""
        quantiser = connected(self, self._posterior)
        codes, groups = quantiser.codes, quantiser.groups

        def log_mass(indices: Tensor) -> Tensor:
            return (-groups * math.log(codes) + self.like).expand(len(indices))

        def draw(n: int) -> Tensor:
            return torch.randint(codes, (n, groups), device=self.like.device)

        return CodeSequences(quantiser, self.latent, log_mass, draw)
