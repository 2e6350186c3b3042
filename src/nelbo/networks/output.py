"""Where a decoder's output starts."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from nelbo.networks.base import Shape


class OutputBias(nn.Module):
    """One number added to each output, 0 at first: what a convolution's bias cannot be.

    Args:
        shape: of the decoder's output for one example.

    Example:
        >>> OutputBias((1, 28, 28))(torch.zeros(3, 1, 28, 28)).shape
        torch.Size([3, 1, 28, 28])

    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(shape))

    def forward(self, output: Float[Tensor, " batch *shape"]) -> Float[Tensor, " batch *shape"]:
        """Return the output plus the bias."""
        return output + self.bias


@torch.no_grad()
def start_at(decoder: nn.Module, output: Float[Tensor, " *shape"]) -> bool:
    """Have a decoder's output start at given values; return whether it has a bias to do so.

    That bias is an `OutputBias`, or else that of a linear layer that comes last, where it fits.

    Args:
        decoder: any module.
        output: for one example.

    Example:
        >>> decoder = nn.Linear(2, 3)
        >>> start_at(decoder, torch.tensor([1.0, 2.0, 3.0])), decoder.bias.tolist()
        (True, [1.0, 2.0, 3.0])

    """
    layers = [m for m in decoder.modules() if next(m.parameters(recurse=False), None) is not None]
    found = [layer for layer in layers if isinstance(layer, OutputBias)] or layers
    if not found or not isinstance(found[-1], OutputBias | nn.Linear):
        return False  # such as a convolution: a linear layer before it is none of ours
    bias = found[-1].bias
    if bias is None or bias.numel() != output.numel():
        return False
    bias.copy_(output.reshape(bias.shape))
    return True
