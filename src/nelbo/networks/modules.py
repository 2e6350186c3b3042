"""The user's own encoder and decoder."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from nelbo.errors import BadType, BadValue
from nelbo.networks.base import Network, Shape
from nelbo.registry import register


@register("network", "modules")
class Modules(Network):
    """Any two modules; their outputs are checked once, on zeros, when the model is built.

    Args:
        encoder: [batch, *data_shape] to the posterior's parameters: one tensor with that many
            numbers an example, or a tuple of tensors, such as (mu, logvar) of [batch, latent].
        decoder: [batch, latent] to the likelihood's parameters, as a tensor or a tuple.

    Raises:
        TypeError: not a module.
        ValueError: a module refuses its input, or its output has the wrong size.

    Example:
        >>> own = Modules(nn.Linear(4, 2 * 3), nn.Linear(3, 4))
        >>> own.make_encoder((4,), (2, 3))(torch.zeros(5, 4)).shape
        torch.Size([5, 2, 3])

    """

    def __init__(self, encoder: nn.Module, decoder: nn.Module) -> None:
        for name, module in (("encoder", encoder), ("decoder", decoder)):
            if not isinstance(module, nn.Module):
                raise BadType(
                    name,
                    expected="a torch.nn.Module",
                    got=type(module).__name__,
                    fix="Wrap the function in a module.",
                )
        self.encoder, self.decoder = encoder, decoder

    def make_encoder(self, data_shape: Shape, parameter_shape: Shape) -> nn.Module:
        """Return the user's encoder, its output shaped [batch, *parameter_shape]."""
        return _Shaped("encoder", self.encoder, data_shape, parameter_shape)

    def make_decoder(self, latent: int, parameter_shape: Shape) -> nn.Module:
        """Return the user's decoder, its output shaped [batch, *parameter_shape]."""
        return _Shaped("decoder", self.decoder, (latent,), parameter_shape)


class _Shaped(nn.Module):
    """A user's module whose output is stacked and shaped, and was checked."""

    def __init__(self, name: str, module: nn.Module, in_shape: Shape, out_shape: Shape) -> None:
        super().__init__()
        self.module, self.out_shape = module, out_shape
        self._check(name, in_shape)

    def forward(self, x: Tensor) -> Tensor:
        return self._joined(self.module(x)).unflatten(1, self.out_shape)

    def _joined(self, output: Tensor | tuple[Tensor, ...]) -> Tensor:
        parts = output if isinstance(output, tuple | list) else (output,)
        return torch.cat([part.flatten(1) for part in parts], dim=1)

    def _check(self, name: str, in_shape: Shape) -> None:
        weight = next(self.module.parameters(), torch.zeros(()))
        probe = torch.zeros(2, *in_shape, device=weight.device, dtype=weight.dtype)
        was_training = self.module.training
        self.module.eval()  # batch statistics must not see the probe
        try:
            with torch.no_grad():
                got = tuple(self._joined(self.module(probe)).shape)
        except (RuntimeError, ValueError, TypeError, IndexError) as error:
            raise BadValue(
                name,
                expected=f"a module that takes [batch, {_text(in_shape)}]",
                got=f"'{str(error).splitlines()[0]}'",
                fix="Reshape the input inside the module.",
            ) from error
        finally:
            self.module.train(was_training)
        if got != (2, math.prod(self.out_shape)):
            raise BadValue(
                f"{name} output",
                expected=f"{math.prod(self.out_shape)} numbers an example, {list(self.out_shape)}",
                got=f"{list(got[1:])}",
                fix="Change the size of its last layer.",
            )


def _text(shape: Shape) -> str:
    return ", ".join(map(str, shape))
