"""Recurrent network, for series."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from nelbo.checks import count
from nelbo.distributions.weights import SMALL, lecun
from nelbo.errors import BadValue
from nelbo.networks.base import Network, Shape
from nelbo.networks.mlp import ANY_SHAPE
from nelbo.networks.output import OutputBias
from nelbo.registry import register


# encoder: forwards h_t = GRU(x_t, h_{t-1}), backwards g_t = GRU(x_t, g_{t+1}), W [h_T, g_1] + b
# decoder: h_0 = tanh(U z + a), h_t = GRU(V z + e_t, h_{t-1}), output_t = W h_t + b_t
@register("network", "sequence")
@dataclass(frozen=True)
class Sequence(Network):
    """A GRU that reads in both directions, and one that writes from z and the position alone.

    The decoder never sees the data (Bowman et al. 2016 hide words from theirs to the same end): a
    decoder that does can do without z.

    Source: Cho et al. 2014, Learning phrase representations using RNN encoder-decoder, equations 5
    to 8, for the GRU; Schuster & Paliwal 1997 for reading in both directions.

    Args:
        state: size of a GRU's state.
        time: the dimension of an example that is time, counted from the last: -1 for [length] and
            [features, length], -2 for [length, features] and for the rows of images.

    Raises:
        ValueError: an example without that dimension.

    Example:
        >>> decoder = Sequence(state=16, time=-2).make_decoder(20, (50, 3))
        >>> decoder(torch.zeros(4, 20)).shape
        torch.Size([4, 50, 3])

    """

    state: int = 256
    time: int = -1

    def __post_init__(self) -> None:
        count("state", self.state, least=1, usual=256)
        if self.time >= 0:
            raise BadValue(
                "time",
                expected="a dimension counted from the last, such as -1",
                got=self.time,
                fix="For [length, features] it is -2.",
            )

    def make_encoder(self, data_shape: Shape, parameter_shape: Shape) -> nn.Module:
        """Return the encoder, data to the posterior's parameters."""
        _, features = self._split(data_shape)
        return _Encoder(math.prod(features), self.state, self.time, parameter_shape)

    def make_decoder(self, latent: int, parameter_shape: Shape) -> nn.Module:
        """Return the decoder, latents to the likelihood's parameters."""
        length, features = self._split(parameter_shape)
        steps = _Decoder(latent, self.state, length, math.prod(features))
        return nn.Sequential(steps, _TimeTo(self.time, features), OutputBias(parameter_shape))

    def _split(self, shape: Shape) -> tuple[int, Shape]:
        """Return the length, and the shape of what there is at each time."""
        if -self.time > len(shape):
            raise BadValue(
                "data_shape for Sequence",
                expected=f"at least {-self.time} dimensions, for time={self.time}",
                got=list(shape),
                fix=f"Choose another time. {ANY_SHAPE}",
            )
        at = len(shape) + self.time
        return shape[at], shape[:at] + shape[at + 1 :]


class _Encoder(nn.Module):
    """The last states of both directions, then one affine layer."""

    def __init__(self, features: int, state: int, time: int, out_shape: Shape) -> None:
        super().__init__()
        self.time = time
        self.gru = _gru(nn.GRU(features, state, batch_first=True, bidirectional=True))
        self.output = lecun(nn.Linear(2 * state, math.prod(out_shape)), 2 * state)
        self.shaped = nn.Unflatten(1, out_shape)

    def forward(self, x: Float[Tensor, " batch *event"]) -> Float[Tensor, " batch *parameters"]:
        steps = x.movedim(self.time, 1).unsqueeze(-1).flatten(2)
        _, last = self.gru(steps)
        return self.shaped(self.output(last.transpose(0, 1).flatten(1)))


class _Decoder(nn.Module):
    """[batch, length, features] from z, which goes in at each step."""

    def __init__(self, latent: int, state: int, length: int, features: int) -> None:
        super().__init__()
        self.first = lecun(nn.Linear(latent, state), latent)
        self.input = lecun(nn.Linear(latent, state), latent)
        self.position = nn.Parameter(torch.randn(length, state))
        self.gru = _gru(nn.GRU(state, state, batch_first=True))
        self.output = lecun(nn.Linear(state, features, bias=False), state, SMALL)

    def forward(self, z: Float[Tensor, "batch latent"]) -> Float[Tensor, "batch time features"]:
        inputs = self.input(z)[:, None] + self.position
        states, _ = self.gru(inputs, torch.tanh(self.first(z))[None])
        return self.output(states)


class _TimeTo(nn.Module):
    """[batch, time, features] to the output's own order of dimensions."""

    def __init__(self, time: int, features: Shape) -> None:
        super().__init__()
        self.time, self.features = time, features

    def forward(self, steps: Float[Tensor, "batch time n"]) -> Float[Tensor, " batch *parameters"]:
        return steps.reshape(*steps.shape[:2], *self.features).movedim(1, self.time)


def _gru(gru: nn.GRU) -> nn.GRU:
    """Return it with orthogonal steps from state to state, which neither fade nor explode.

    Source: Saxe, McClelland & Ganguli 2014, Exact solutions to the nonlinear dynamics of learning.
    """
    for name, parameter in gru.named_parameters():
        if "bias" in name:
            nn.init.zeros_(parameter)
        elif "weight_hh" in name:
            for gate in parameter.detach().chunk(3):
                nn.init.orthogonal_(gate)
        else:
            nn.init.normal_(parameter, std=gru.input_size**-0.5)
    return gru
