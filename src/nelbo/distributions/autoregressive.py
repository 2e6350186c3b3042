"""Autoregressive bijections, whose networks are zuko's."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.distributions import Distribution, Transform

from nelbo.distributions.bijection import Bijection, Mapped
from nelbo.errors import Failed


class Autoregressive(Bijection):
    """One of zuko's transformations as a bijection: z_k = f(u_k; u_<k).

    Forwards all latents are computed at once, backwards one after the other.

    Args:
        transform: what zuko's module returns for a context.
    """

    def __init__(self, transform: Transform) -> None:
        self.transform: Any = transform  # zuko gives every Transform a `call_and_ladj`

    def forward(self, u: Tensor) -> Mapped:
        """Return f(u), in one pass."""
        return self.transform.call_and_ladj(u)

    def inverse(self, z: Tensor) -> Mapped:
        """Return u, in as many passes as there are latents."""
        u, log_det = self.transform.inv.call_and_ladj(z)
        return u, -log_det


def affine_layers(latent: int, context: int, layers: int, hidden: int) -> nn.Module:
    """Return layers z_k = exp(a_k) u_k + m_k, with a and m of u_<k and the context.

    Args:
        latent: number of latents.
        context: numbers that all layers depend on besides; 0 for none.
        layers: their number; they run through the latents in alternating directions.
        hidden: units in each of the two hidden layers of a layer's network.

    Raises:
        RuntimeError: zuko is not installed.

    Example:
        >>> import torch
        >>> z, log_det = Autoregressive(affine_layers(3, 0, 2, 8)(None)).forward(torch.zeros(5, 3))
        >>> z.shape, log_det.shape
        (torch.Size([5, 3]), torch.Size([5]))

    """
    widths = (hidden, hidden)
    made = _zuko().MAF(
        latent, context, transforms=layers, hidden_features=widths, activation=nn.ELU
    )
    return made.transform


def spline_layers(latent: int, context: int, layers: int, hidden: int, bins: int) -> nn.Module:
    """Return layers that are monotonic rational-quadratic splines on [-5, 5], else the identity.

    Args:
        latent: number of latents.
        context: numbers that all layers depend on besides; 0 for none.
        layers: their number; they run through the latents in alternating directions.
        hidden: units in each of the two hidden layers of a layer's network.
        bins: of each spline.

    Raises:
        RuntimeError: zuko is not installed.

    Example:
        >>> import torch
        >>> f = Autoregressive(spline_layers(3, 0, 2, 8, bins=4)(None))
        >>> f.forward(torch.full((1, 3), 6.0))[0].tolist()
        [[6.0, 6.0, 6.0]]

    """
    widths = (hidden, hidden)
    made = _zuko().NSF(
        latent, context, bins, transforms=layers, hidden_features=widths, activation=nn.ELU
    )
    return made.transform


def _zuko() -> Any:
    """Return the module `zuko.flows`."""
    validate = Distribution._validate_args
    try:
        import zuko.flows
    except ImportError:
        raise Failed(
            "normalizing flow",
            expected="zuko, whose networks it uses",
            got="none installed",
            fix="Run pip install 'nelbo[flows]'.",
        ) from None
    # importing zuko switches the checks of all of torch's distributions off
    Distribution.set_default_validate_args(validate)
    return zuko.flows
