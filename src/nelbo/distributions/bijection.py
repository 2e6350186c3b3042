"""Invertible maps with a log-determinant: what a flow is made of."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor

Mapped = tuple[Tensor, Tensor]  # points [..., latent], and log-determinants [...]


class Bijection(ABC):
    """z = f(u) on R^latent. Both directions return log |det df/du|, at the same pair of points."""

    @abstractmethod
    def forward(self, u: Tensor) -> Mapped:
        """Return z = f(u), [..., latent], and log |det df/du|, [...]."""

    @abstractmethod
    def inverse(self, z: Tensor) -> Mapped:
        """Return u with f(u) = z, [..., latent], and log |det df/du| there, [...]."""


# z = mu + exp(logvar / 2) u,   log |det| = sum_k logvar_k / 2
class Affine(Bijection):
    """A shift and a scale for each latent: noise becomes a diagonal Gaussian.

    Args:
        mu: mean, [..., latent].
        logvar: logarithm of the variance, [..., latent].
    """

    def __init__(self, mu: Tensor, logvar: Tensor) -> None:
        self.mu, self.logvar = mu, logvar

    def forward(self, u: Tensor) -> Mapped:
        """Return mu + sigma u."""
        return self.mu + torch.exp(0.5 * self.logvar) * u, 0.5 * self.logvar.sum(-1)

    def inverse(self, z: Tensor) -> Mapped:
        """Return (z - mu) / sigma."""
        return (z - self.mu) * torch.exp(-0.5 * self.logvar), 0.5 * self.logvar.sum(-1)


# f = f_n o ... o f_1,   log |det| = sum_i log |det df_i|
class Chain(Bijection):
    """One bijection after the other.

    Args:
        *parts: the first is applied to the noise.
    """

    def __init__(self, *parts: Bijection) -> None:
        self.parts = parts

    def forward(self, u: Tensor) -> Mapped:
        """Go through the parts from the first to the last."""
        total = u.new_zeros(())
        for part in self.parts:
            u, log_det = part.forward(u)
            total = total + log_det
        return u, total

    def inverse(self, z: Tensor) -> Mapped:
        """Go through the parts from the last to the first."""
        total = z.new_zeros(())
        for part in reversed(self.parts):
            z, log_det = part.inverse(z)
            total = total + log_det
        return z, total


class Inverse(Bijection):
    """A bijection read backwards.

    Args:
        of: the bijection.
    """

    def __init__(self, of: Bijection) -> None:
        self.of = of

    def forward(self, u: Tensor) -> Mapped:
        """Return what `of` would turn into u."""
        z, log_det = self.of.inverse(u)
        return z, -log_det

    def inverse(self, z: Tensor) -> Mapped:
        """Return what `of` turns z into."""
        u, log_det = self.of.forward(z)
        return u, -log_det
