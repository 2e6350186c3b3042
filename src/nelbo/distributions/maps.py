"""Maps: what stands at each place of a picture, for distributions whose levels are pictures."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, glu

from nelbo.distributions.weights import lecun
from nelbo.errors import BadValue

Map = tuple[int, int, int]
DIMENSIONS = ("channels", "height", "width")
EXAMPLE = "((4, 4, 4), (2, 8, 8))"
KERNEL = 3


def growing(name: str, given: tuple[Map, ...]) -> tuple[Map, ...]:
    """Return the shapes of the levels' maps, of which none is smaller than the one above it.

    Args:
        name: of the argument.
        given: by the user.

    Raises:
        ValueError: no levels, one that is not three positive integers, or a smaller one below.

    Example:
        >>> growing("levels", ((4, 4, 4), (2, 8, 8)))
        ((4, 4, 4), (2, 8, 8))

    """
    shapes: list[tuple[int, ...]] = [
        tuple(level) if isinstance(level, tuple | list) else ()
        for level in (given if isinstance(given, tuple | list) else ())
    ]
    sizes = [size for shape in shapes for size in shape]
    positive = all(isinstance(size, int) and size >= 1 for size in sizes)
    if not shapes or not positive or any(len(shape) != len(DIMENSIONS) for shape in shapes):
        raise BadValue(
            name,
            expected=f"{', '.join(DIMENSIONS)} of each level's maps, positive integers",
            got=given,
            fix=f"For example {EXAMPLE}, or ((4, 8, 8),) for one level.",
        )
    found = tuple((channels, height, width) for channels, height, width in shapes)
    for above, below in pairwise(found):
        if below[1] < above[1] or below[2] < above[2]:
            raise BadValue(
                name,
                expected="maps that grow, or stay, from the top down",
                got=f"{above} above {below}",
                fix=f"The top stands first: {EXAMPLE}.",
            )
    return found


def resized(
    maps: Float[Tensor, "*shape channels height width"], to: tuple[int, ...]
) -> Float[Tensor, "*shape channels new_height new_width"]:
    """Return maps of another height and width: means of what each place covers, or copies.

    Args:
        maps: of any number of channels.
        to: a shape, whose last two sizes are the new height and width.

    Example:
        >>> import torch
        >>> resized(torch.arange(4.0).view(1, 2, 2), (1, 1, 4))
        tensor([[[1., 1., 2., 2.]]])

    """
    size = to[-2], to[-1]
    if maps.shape[-2:] == size:
        return maps
    return everywhere(lambda x: adaptive_avg_pool2d(x, size), maps)


def everywhere(
    layer: Callable[[Tensor], Tensor], maps: Float[Tensor, "*shape channels height width"]
) -> Float[Tensor, "*shape outputs new_height new_width"]:
    """Return what a layer for [batch, channels, height, width] makes of any leading dimensions."""
    found = layer(maps.reshape(-1, *maps.shape[-3:]))
    return found.view(*maps.shape[:-3], *found.shape[1:])


def convolution(channels: int, outputs: int, gain: float = 1.0, bias: bool = True) -> nn.Conv2d:
    """Return a convolution that keeps height and width, its weights N(0, gain^2 / fan_in).

    Example:
        >>> import torch
        >>> convolution(2, 5)(torch.zeros(1, 2, 8, 8)).shape
        torch.Size([1, 5, 8, 8])

    """
    layer = nn.Conv2d(channels, outputs, KERNEL, padding=KERNEL // 2, bias=bias)
    return lecun(layer, channels * KERNEL**2, gain)


# W * [(A * h + B * v + a) sigmoid(C * h + D * v + c)] + b, where * is a convolution
class GatedMaps(nn.Module):
    """A gated convolution of a state and of other maps, and an affine one: `GatedPair`, of maps.

    Weights start as N(0, 1/fan_in), and `gain` times as large in the affine one. The state may lack
    leading dimensions that the other maps have, and the other way round.

    Source: Dauphin, Fan, Auli & Grangier 2017, Language modeling with gated convolutional networks,
    equation 1.

    Args:
        hidden: channels of the state, and of the layer.
        channels: of the other maps.
        outputs: channels of what comes out.
        gain: of the affine layer.

    Example:
        >>> import torch
        >>> layer = GatedMaps(8, 3, outputs=2)
        >>> layer(torch.zeros(8, 4, 4), torch.zeros(5, 3, 4, 4)).shape
        torch.Size([5, 2, 4, 4])

    """

    def __init__(self, hidden: int, channels: int, outputs: int, gain: float = 2.0) -> None:
        super().__init__()
        self.state = convolution(hidden, 2 * hidden)
        self.other = convolution(channels, 2 * hidden, bias=False)
        self.out = convolution(hidden, outputs, gain)

    def forward(
        self,
        state: Float[Tensor, "*#shape hidden height width"],
        other: Float[Tensor, "*#shape channels height width"],
    ) -> Float[Tensor, "*shape outputs height width"]:
        """Return the outputs, [*shape, outputs, height, width]."""
        both = everywhere(self.state, state) + everywhere(self.other, other)
        return everywhere(self.out, glu(both, -3))
