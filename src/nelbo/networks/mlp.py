"""Multilayer perceptron: the network of the question."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import nn

from nelbo.errors import BadValue, nearest
from nelbo.networks.base import Network, Shape
from nelbo.registry import register


@register("network", "mlp")
@dataclass(frozen=True)
class MLP(Network):
    """Fully connected layers; the decoder has the encoder's sizes in reverse.

    Weights start as N(0, 1/fan_in) and biases at 0 (LeCun et al. 1998), as in Chainer.

    Args:
        hidden: sizes of the encoder's hidden layers; () makes both halves affine.
        activation: name of an activation of `torch.nn`, in any case ("tanh", "relu", "silu").

    Example:
        >>> encoder = MLP(hidden=(500, 500)).make_encoder((1, 28, 28), (2, 20))
        >>> encoder(torch.zeros(3, 1, 28, 28)).shape
        torch.Size([3, 2, 20])

    """

    hidden: tuple[int, ...] = (500, 500)
    activation: str = "tanh"

    def __post_init__(self) -> None:
        sizes = (self.hidden,) if isinstance(self.hidden, int) else tuple(self.hidden)
        object.__setattr__(self, "hidden", sizes)
        if not all(isinstance(h, int) and h >= 1 for h in sizes):
            raise BadValue(
                "hidden",
                expected="positive integers",
                got=self.hidden,
                fix="For example (500, 500).",
            )
        self._activation()

    def make_encoder(self, data_shape: Shape, parameter_shape: Shape) -> nn.Module:
        """Return the encoder, data to the posterior's parameters."""
        return self._stack(data_shape, self.hidden, parameter_shape)

    def make_decoder(self, latent: int, parameter_shape: Shape) -> nn.Module:
        """Return the decoder, latents to the likelihood's parameters."""
        return self._stack((latent,), self.hidden[::-1], parameter_shape)

    def _stack(self, in_shape: Shape, hidden: Shape, out_shape: Shape) -> nn.Sequential:
        layers: list[nn.Module] = [nn.Flatten()]
        for fan_in, fan_out in pairwise((math.prod(in_shape), *hidden, math.prod(out_shape))):
            linear = nn.Linear(fan_in, fan_out)
            nn.init.normal_(linear.weight, std=fan_in**-0.5)
            nn.init.zeros_(linear.bias)
            layers += [linear, self._activation()]
        return nn.Sequential(*layers[:-1], nn.Unflatten(1, out_shape))

    def _activation(self) -> nn.Module:
        known = {name.lower(): name for name in nn.modules.activation.__all__}
        if self.activation.lower() not in known:
            raise BadValue(
                "activation",
                expected="an activation of torch.nn",
                got=f"'{self.activation}'",
                fix=nearest(self.activation, known),
            )
        activation = _by_itself(getattr(nn, known[self.activation.lower()]))
        if activation is None:
            raise BadValue(
                "activation",
                expected="one that takes each number by itself, without arguments",
                got=f"'{self.activation}'",
                fix="Try 'relu' or 'silu'.",
            )
        return activation


def _by_itself(kind: type[nn.Module]) -> nn.Module | None:
    """Return an activation, or None where it needs arguments or mixes numbers."""
    if "softmax" in kind.__name__.lower() or kind is nn.Softmin:
        return None
    try:
        activation = kind()
        return activation if activation(torch.zeros(2, 3)).shape == (2, 3) else None
    except (TypeError, RuntimeError):
        return None
