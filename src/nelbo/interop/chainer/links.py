"""`chainer.Chain` and `chainer.links.Linear` as torch modules."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from nelbo.errors import BadType, BadValue
from nelbo.interop.chainer.arrays import Array, tensor

__all__ = ["Chain", "Linear"]


class Chain(nn.Module):
    """A module that is written as a Chainer chain is: links are assigned within `init_scope`.

    Any torch optimiser trains it. As in every torch module, a link that is assigned outside of
    `init_scope` is registered too.

    Source: Chainer 5.0.0, chainer/link.py.

    Args:
        links: links by their names, the older way to register them.

    Example:
        >>> chain = Chain(le1=Linear(4, 2))
        >>> [name for name, _ in chain.named_parameters()]
        ['le1.weight', 'le1.bias']
    """

    def __init__(self, **links: nn.Module) -> None:
        super().__init__()
        for name, link in links.items():
            self.add_module(name, link)

    @contextmanager
    def init_scope(self) -> Iterator[None]:
        """Mark where links are assigned; torch registers them without it.

        Example:
            >>> chain = Chain()
            >>> with chain.init_scope():
            ...     chain.le1 = Linear(4, 2)
        """
        yield

    def cleargrads(self) -> None:
        """Forget all gradients, as `zero_grad` does.

        Example:
            >>> chain = Chain(le1=Linear(4, 2))
            >>> chain.cleargrads()
            >>> chain.le1.weight.grad is None
            True
        """
        self.zero_grad(set_to_none=True)

    def __getstate__(self) -> dict[str, Any]:
        # A loss kept on the chain, as Chainer's example keeps it, cannot be copied with its graph.
        return {k: v.detach() if isinstance(v, Tensor) else v for k, v in self.__dict__.items()}


# y = x W^T + b
class Linear(nn.Linear):
    """A fully connected layer with Chainer's initial weights: N(0, 1 / in_size), biases of 0.

    Source: Chainer 5.0.0, chainer/links/connection/linear.py, chainer/initializers/normal.py.

    Args:
        in_size: length of an input.
        out_size: length of an output.
        nobias: whether to have no bias.

    Raises:
        ValueError: a size is missing: nothing is left to be inferred from the first batch.

    Example:
        >>> Linear(4, 2)(torch.zeros(3, 4)).shape
        torch.Size([3, 2])
    """

    def __init__(
        self, in_size: int | None, out_size: int | None = None, nobias: bool = False
    ) -> None:
        for name, size in (("in_size", in_size), ("out_size", out_size)):
            if not isinstance(size, int) or size < 1:
                raise BadValue(
                    name,
                    expected="an integer of at least 1",
                    got=size,
                    fix="Write Linear(in_size, out_size).",
                )
        assert in_size is not None
        assert out_size is not None
        super().__init__(in_size, out_size, bias=not nobias)

    def reset_parameters(self) -> None:
        """Draw weights from N(0, 1 / in_size) (LeCun) and set biases to 0.

        Example:
            >>> Linear(4, 2).bias.tolist()
            [0.0, 0.0]
        """
        nn.init.normal_(self.weight, std=self.in_features**-0.5)
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def forward(  # pyright: ignore[reportIncompatibleMethodOverride] - Chainer's name
        self, x: Array
    ) -> Tensor:
        """Return x W^T + b, [batch, out_size], for x of [batch, ...]; axes beyond one are joined.

        Raises:
            ValueError: an example of x does not have in_size values.
            TypeError: x does not hold floats, or others than the weights.

        Example:
            >>> Linear(4, 2)(torch.zeros(3, 2, 2)).shape
            torch.Size([3, 2])
        """
        x = tensor("x", x, beside=self.weight)
        if x.ndim < 2 or x.shape[1:].numel() != self.in_features:
            raise BadValue(
                "x",
                expected=f"shape [batch, {self.in_features}]",
                got=list(x.shape),
                fix="Give one row an example.",
            )
        if x.dtype != self.weight.dtype and not torch.is_autocast_enabled(x.device.type):
            raise BadType(
                "x",
                expected=f"the dtype of the weights, {self.weight.dtype}",
                got=x.dtype,
                fix=f"Convert it: x.to({self.weight.dtype}).",
            )
        return super().forward(x.flatten(1))
