"""Recurrent network as the decoder's end, for sequences."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from nelbo.checks import count
from nelbo.errors import BadValue, nearest
from nelbo.likelihoods.autoregressive import Autoregressive
from nelbo.likelihoods.base import Likelihood
from nelbo.likelihoods.chain import Causal
from nelbo.likelihoods.reading import Reading
from nelbo.registry import register

CELLS: dict[str, type[nn.GRU] | type[nn.LSTM]] = {"gru": nn.GRU, "lstm": nn.LSTM}


# h_t = RNN([x_{t-1}, s_t(z)], h_{t-1}),   p(x_t | x_<t, z) = p(x_t; W h_t + b)
@register("likelihood", "recurrent")
class Recurrent(Autoregressive, Likelihood):
    """Steps of a sequence one after the other: x_t given z and the steps before it.

    The last axis of an example is time; features of one step are independent given the steps
    before. Tokens, `of=categorical(categories=...,coding=tokens)`, are read one-hot. In training
    the true steps before are given, of which word dropout hides some, so that z is needed.

    Source: Bowman, Vilnis, Vinyals, Dai, Jozefowicz & Bengio 2016, Generating sentences from a
    continuous space, sections 2 and 3.1.

    Args:
        of: the likelihood of a value given the steps before it.
        hidden: size of the state.
        cell: `"gru"` or `"lstm"`.
        word_dropout: share of the steps that the network is not shown, in training.
        features: how many numbers the decoder gives for each step.

    Raises:
        TypeError: `of` is not a likelihood.
        ValueError: it couples its features; another cell; a share outside [0, 1].

    Example:
        >>> import torch, nelbo
        >>> words = nelbo.likelihoods.Categorical(categories=5, coding="tokens")
        >>> model = nelbo.VAE(data_shape=(7,), latent=2, likelihood=Recurrent(words, hidden=8))
        >>> model.terms(torch.zeros(3, 7)).log_px.shape
        torch.Size([1, 3])

    """

    places, most, axes = 1, 99, "[length] or [features, length]"

    def __init__(
        self,
        of: Likelihood,
        hidden: int = 128,
        cell: str = "gru",
        word_dropout: float = 0.0,
        features: int = 8,
    ) -> None:
        super().__init__(of, features)
        self.hidden = count("hidden", hidden, least=1, usual=128)
        if cell not in CELLS:
            fix = nearest(cell, CELLS)
            raise BadValue("cell", expected="a known cell", got=f"'{cell}'", fix=fix)
        if not 0 <= word_dropout <= 1:
            expected, fix = "a share, from 0 to 1", "Bowman et al. took 0.25 to 0.5."
            raise BadValue("word_dropout", expected=expected, got=word_dropout, fix=fix)
        self.cell, self.word_dropout = cell, word_dropout

    def make(self, channels: int, outputs: int) -> Causal:
        """Return the network for steps of so many features."""
        shape = (self.reading.width, channels, outputs)
        return _Steps(shape, self.features, self.hidden, CELLS[self.cell])

    def hide(self, seen: Float[Tensor, "n width *event"]) -> Float[Tensor, "n width *event"]:
        """Return what is read of the steps, in training without some of them."""
        if not self.training or not self.word_dropout:
            return seen
        shown = torch.rand_like(seen[:, :1, :1]) >= self.word_dropout
        return seen * shown


class _Steps(Causal):
    """A recurrent network that is given the step before and what the decoder says of this one."""

    def __init__(
        self,
        shape: tuple[int, int, int],
        given: int,
        hidden: int,
        cell: type[nn.GRU] | type[nn.LSTM],
    ) -> None:
        super().__init__()
        width, channels, outputs = shape
        self.each = (outputs, channels)
        self.cell = cell(width * channels + given, hidden, batch_first=True)
        self.output = nn.Linear(hidden, outputs * channels)

    def forward(
        self, seen: Float[Tensor, "n width channels t"], given: Float[Tensor, "n maps t"]
    ) -> Float[Tensor, "n outputs channels t"]:
        """Return every step's parameters, given the steps before it."""
        before = F.pad(seen.flatten(1, 2), (1, 0))[..., :-1]
        states, _ = self.cell(_inputs(before, given))
        return self._at(states)

    def unroll(
        self,
        given: Float[Tensor, "n maps t"],
        read: Reading,
        draw: Callable[[Tensor], Tensor],
    ) -> Float[Tensor, "n channels t"]:
        """Return steps drawn one after the other."""
        nothing = given.new_zeros(len(given), self.each[1], 1)
        before, state, drawn = torch.zeros_like(read(nothing)).flatten(1, 2), None, list[Tensor]()
        for now in given.split(1, -1):
            states, state = self.cell(_inputs(before, now), state)
            drawn.append(draw(self._at(states).to(given.dtype)))
            before = read(drawn[-1]).flatten(1, 2)
        return torch.cat(drawn, -1)

    def _at(self, states: Tensor) -> Tensor:
        return self.output(states).transpose(1, 2).unflatten(1, self.each)


def _inputs(before: Tensor, given: Tensor) -> Tensor:
    """Return what goes into the cell, [n, t, numbers]."""
    return torch.cat((before, given), 1).transpose(1, 2)
