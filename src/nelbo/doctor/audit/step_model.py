"""A training step, an encoder and a decoder, called alike whatever they are written in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from nelbo.doctor.audit.calling import Kind, LossRaised, Recon, as_numpy, kinds_for, own_kind, users
from nelbo.errors import BadValue


class Noise(NamedTuple):
    """A way of drawing the noise of a posterior that the step may use too.

    Attributes:
        name: what it is called.
        draw: the noise, [samples, batch, latent], from a shape and a precision.
    """

    name: str
    draw: Callable[[tuple[int, ...], Any], Tensor]


def _torch(shape: tuple[int, ...], dtype: Any) -> Tensor:
    return torch.randn(shape, dtype=dtype).double()[None]


def _numpy(shape: tuple[int, ...], dtype: Any) -> Tensor:
    return torch.from_numpy(np.random.standard_normal(shape)).to(dtype).double()[None]


def _none(shape: tuple[int, ...], dtype: Any) -> Tensor:
    return torch.zeros((1, *shape), dtype=torch.float64)


def _several(samples: int) -> Noise:
    def draw(shape: tuple[int, ...], dtype: Any) -> Tensor:
        return torch.randn((samples, *shape), dtype=dtype).double()

    return Noise(f"torch, {samples} samples", draw)


NO_NOISE = Noise("none", _none)
NOISES = (Noise("torch", _torch), Noise("NumPy", _numpy))
SEVERAL = tuple(_several(samples) for samples in (2, 3, 4, 5, 8, 10))


class Model:
    """The three functions of a training step.

    Args:
        step: x -> one number.
        encode: x -> (mu, logvar).
        decode: z -> reconstruction.
        like: the user's own data: arrays of its kind are tried first.
    """

    def __init__(
        self,
        step: Callable[[Any], Any],
        encode: Callable[[Any], Any],
        decode: Callable[[Any], Any],
        like: Any,
    ) -> None:
        self.step, self.encode, self.decode = step, encode, decode
        self.kinds, self.own = kinds_for(like), own_kind(like)
        self.kind = self.kinds[0]

    def begin(self, x: Tensor) -> None:
        """Find how the functions want to be called, and that they return what they should.

        Raises:
            ValueError: they do not.
        """
        said: dict[Kind, tuple[str, str]] = {}
        for kind in self.kinds:
            self.kind = kind
            failed = self._failed(x)
            if failed is None:
                return
            said[kind] = failed
        what, error = said[self.own]
        wanted = {
            "step": "a number from step(x)",
            "encode": "(mu, logvar) from encode(x)",
            "decode": "a reconstruction from decode(z)",
        }[what]
        fix = "Call it yourself with one batch, and wrap it if its arguments differ."
        raise BadValue(what, expected=wanted, got=error, fix=fix)

    def _failed(self, x: Tensor) -> tuple[str, str] | None:
        """Return which function raises on a batch, and what; None where all run."""
        what = "step"
        try:
            self.loss(x)
            what = "encode"
            mu, _ = self.posterior(x)
            what = "decode"
            self.reconstruction(mu, x)
        except LossRaised as error:
            return what, str(error)
        return None

    def loss(self, x: Tensor, seed: int = 0) -> float:
        """Return the loss of a batch.

        Raises:
            LossRaised: the user's code raised.
            ValueError: it returned no number.
        """
        value = users(self.step, (self.kind.convert(x),), seed)
        array = as_numpy(value)
        if array is None or array.size != 1:
            got = repr(value)[:60] if array is None else f"an array of shape {list(array.shape)}"
            fix = "Return the scalar that you call backward on."
            raise BadValue("step", expected="one number", got=got, fix=fix)
        return float(array.reshape(()))

    def posterior(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return mu and logvar, [batch, latent], float64."""
        pair = users(self.encode, (self.kind.convert(x),), 0)
        fix = "Return the pair (mu, logvar)."
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            got = f"{type(pair).__name__}"
            raise BadValue("encode", expected="(mu, logvar)", got=got, fix=fix)
        mu, logvar = (self._tensor("encode", part) for part in pair)
        if mu.shape != logvar.shape or mu.dim() != 2 or len(mu) != len(x):
            got = f"shapes {list(mu.shape)} and {list(logvar.shape)}"
            raise BadValue("encode", expected=f"two of [{len(x)}, latent]", got=got, fix=fix)
        return mu, logvar

    def reconstruction(self, z: Tensor, x: Tensor) -> Recon:
        """Return what the decoder gives for latents, in the shape of x, float64."""
        given = users(self.decode, (self.kind.convert(z),), 0)
        return self._as_recon(given, x)

    def _decoded(self, z: Tensor, x: Tensor) -> Recon:
        return self._as_recon(self.decode(self.kind.convert(z)), x)

    def _as_recon(self, given: Any, x: Tensor) -> Recon:
        if isinstance(given, tuple | list) and len(given) == 2:
            return self._shaped(given[0], x), self._shaped(given[1], x)
        return self._shaped(given, x)

    def sampled(
        self, x: Tensor, seed: int, noise: Noise, scale: Callable[[Tensor], Tensor]
    ) -> tuple[Tensor, Tensor, Tensor, list[Recon]]:
        """Encode, draw and decode with one seed, in the order in which a step does.

        So the dropout of encoder and decoder is that of the step as well.

        Returns:
            mu, logvar, the noise [samples, batch, latent], and a reconstruction for each sample.

        Raises:
            LossRaised: the user's code raised.
        """

        def whole(given: Any) -> tuple[Tensor, Tensor, Tensor, list[Recon]]:
            mu, logvar = (self._tensor("encode", part) for part in self.encode(given))
            epsilon = noise.draw(tuple(mu.shape), self.dtype)
            recons = [self._decoded(mu + scale(logvar) * one, x) for one in epsilon]
            return mu, logvar, epsilon, recons

        return users(whole, (self.kind.convert(x),), seed)

    def accepts(self, x: Tensor) -> bool:
        """Return whether the step runs on a batch."""
        try:
            self.loss(x)
        except LossRaised:
            return False
        return True

    @property
    def dtype(self) -> torch.dtype:
        """The precision of what the functions are given."""
        return torch.float64 if "64" in self.kind.name else torch.float32

    def _shaped(self, value: Any, x: Tensor) -> Tensor:
        t = self._tensor("decode", value)
        if t.numel() == x.numel():
            return t.reshape(x.shape)
        try:
            return t.broadcast_to(x.shape)
        except RuntimeError:
            fix = "Return a reconstruction of every example."
            got = f"shape {list(t.shape)}"
            raise BadValue("decode", expected=f"{list(x.shape)}", got=got, fix=fix) from None

    def _tensor(self, what: str, value: Any) -> Tensor:
        array = as_numpy(value)
        if array is None or array.dtype.kind not in "fiu":
            fix = "Return arrays of numbers."
            raise BadValue(what, expected="an array", got=type(value).__name__, fix=fix)
        return torch.from_numpy(np.asarray(array, dtype=np.float64))
