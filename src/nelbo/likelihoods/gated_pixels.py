"""The gated PixelCNN itself: a network that sees the pixels before each pixel."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from nelbo.likelihoods.chain import Causal
from nelbo.likelihoods.reading import Reading


# of a map's number modulo C: the colour that it belongs to
class _Along(nn.Conv2d):
    """A convolution over a pixel and those left of it; at the pixel itself, over colours before.

    Args:
        inputs: maps.
        outputs: maps.
        width: of the kernel.
        colours: C; the map j of `period` belongs to colour j mod C.
        own: whether a colour sees maps of its own at the pixel itself: mask B, else mask A.
        period: maps after which colours begin anew, such as half of those of a gate.
    """

    def __init__(
        self, inputs: int, outputs: int, width: int, colours: int, own: bool, period: int
    ) -> None:
        super().__init__(inputs, outputs, (1, width))
        reads = torch.arange(inputs) % colours
        writes = (torch.arange(outputs) % period) % colours
        allowed = reads <= writes[:, None] if own else reads < writes[:, None]
        mask = torch.ones_like(self.weight)
        mask[..., -1] = allowed[..., None]
        self.mask: Tensor
        self.register_buffer("mask", mask, persistent=False)

    def forward(self, input: Tensor) -> Tensor:
        padded = F.pad(input, (self.kernel_size[1] - 1, 0))
        return F.conv2d(padded, self.weight * self.mask, self.bias)


# y = tanh(W_f * x + V_f * s) . sigmoid(W_g * x + V_g * s)        van den Oord et al. 2016, (4)
def _gated(x: Tensor) -> Tensor:
    content, gate = x.chunk(2, 1)
    return torch.tanh(content) * torch.sigmoid(gate)


class _Layer(nn.Module):
    """A vertical stack of the rows above, and a horizontal one of the row's pixels to the left.

    The vertical one feeds the horizontal one, not the other way round: no blind spot (figure 2).

    Args:
        inputs: maps of either stack.
        channels: maps that come out.
        kernel: size of the convolutions.
        colours: of the image.
        first: whether what comes in is the image, of which a pixel must not see itself.
    """

    def __init__(self, inputs: int, channels: int, kernel: int, colours: int, first: bool) -> None:
        super().__init__()
        self.side, self.first = kernel // 2, first
        rows = self.side if first else self.side + 1
        self.above = nn.Conv2d(inputs, 2 * channels, (rows, kernel))
        self.left = _Along(inputs, 2 * channels, self.side + 1, colours, not first, channels)
        self.over = nn.Conv2d(2 * channels, 2 * channels, 1)
        self.mix = _Along(channels, channels, 1, colours, True, channels)

    def forward(
        self, v: Tensor, h: Tensor, given_v: Tensor, given_h: Tensor
    ) -> tuple[Tensor, Tensor]:
        side, height = self.side, v.shape[2]
        # of the first layer one row too many comes out, that of the rows above the one after last
        above = self.above(F.pad(v, (side, side, side, 0)))[:, :, :height]
        left = self.left(h) + self.over(above)
        out = self.mix(_gated(left + given_h))
        return _gated(above + given_v), out if self.first else h + out


class GatedPixels(Causal):
    """Gated layers of two stacks, then two layers of single pixels.

    Source: van den Oord et al. 2016, Conditional image generation with PixelCNN decoders, figure 2.

    Args:
        shape: numbers that a value is read as, colours of an image, and parameters of a value.
        given: maps that all of it is conditioned on.
        channels: of every layer.
        layers: their number.
        kernel: size of their convolutions.

    Example:
        >>> network = GatedPixels((2, 3, 1), given=8, channels=6, layers=2, kernel=3)
        >>> network(torch.zeros(5, 2, 3, 4, 4), torch.zeros(5, 8, 4, 4)).shape
        torch.Size([5, 1, 3, 4, 4])

    """

    def __init__(
        self, shape: tuple[int, int, int], given: int, channels: int, layers: int, kernel: int
    ) -> None:
        super().__init__()
        width, self.colours, self.outputs = shape
        self.reach = layers * (kernel // 2)
        self.given = nn.Conv2d(given, 4 * channels * layers, 1)
        self.layers = nn.ModuleList(
            _Layer(channels if i else width * self.colours, channels, kernel, self.colours, i == 0)
            for i in range(layers)
        )
        last = self.outputs * self.colours
        self.hidden = _Along(channels, channels, 1, self.colours, True, channels)
        self.output = _Along(channels, last, 1, self.colours, True, last)

    def forward(
        self, seen: Float[Tensor, "n width colours h w"], given: Float[Tensor, "n maps h w"]
    ) -> Float[Tensor, "n outputs colours h w"]:
        """Return every pixel's parameters, given the pixels before it."""
        v = h = seen.flatten(1, 2)
        shifts = self.given(given).chunk(2 * len(self.layers), 1)
        for i, layer in enumerate(self.layers):
            v, h = layer(v, h, *shifts[2 * i : 2 * i + 2])
        # ELU where the paper has ReLU: a colour may have so few units that all of them would die
        maps = self.output(F.elu(self.hidden(F.elu(h))))
        return maps.unflatten(1, (self.outputs, self.colours))

    def unroll(
        self,
        given: Float[Tensor, "n maps h w"],
        read: Reading,
        draw: Callable[[Tensor], Tensor],
    ) -> Float[Tensor, "n colours h w"]:
        """Return pixels drawn one after the other; each looks no further than the network does."""
        height, width = given.shape[-2:]
        x = given.new_zeros(len(given), self.colours, height, width)
        seen = torch.zeros_like(read(x))
        for row, column, colour in product(range(height), range(width), range(self.colours)):
            top, left = max(0, row - self.reach), max(0, column - self.reach)
            near = (..., slice(top, row + 1), slice(left, column + self.reach + 1))
            at = column - left
            parameters = self(seen[near], given[near])[..., -1:, at : at + 1].to(given.dtype)
            value = draw(parameters)[:, colour, 0, 0]
            x[:, colour, row, column] = value
            seen[:, :, colour, row, column] = read(value)
        return x
