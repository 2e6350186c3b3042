"""What a loss pays for a nat of KL."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from nelbo.errors import BadValue

Loss = Callable[[Any, Any, Tensor, Tensor], Any]


# loss = ... + a_K sum_b KL_b,  KL(N(1, 1) || N(0, 1)) = 1/2
def kl_weight(loss: Loss, x: Tensor, recon: Any, latent: int) -> float:
    """Return a_K, the weight of one example's KL in nats, for a batch of the size of `x`.

    One latent of one example is moved from 0 to 1, which costs 1/2 nat. The loss's change is the
    integral of its slope, by Simpson's rule: the difference of two losses would drown in the
    rounding of the reconstruction term.

    Args:
        loss: loss(x, recon, mu, logvar), a scalar.
        x: a batch.
        recon: what the decoder puts out for it.
        latent: the number of latents.

    Raises:
        ValueError: the loss does not rise with mu.

    Example:
        >>> kl_weight(lambda x, y, mu, logvar: 3 * (mu**2).sum(), torch.zeros(2, 4), None, 5)
        6.0
    """
    logvar, slopes = torch.zeros(len(x), latent, dtype=x.dtype, device=x.device), []
    for place in (0.0, 0.5, 1.0):
        mu = torch.zeros_like(logvar)
        mu[0, 0] = place
        mu.requires_grad_()
        value = loss(x, recon, mu, logvar)
        slope = (
            torch.autograd.grad(value, mu, allow_unused=True)[0] if value.requires_grad else None
        )
        slopes.append(0.0 if slope is None else float(slope[0, 0]))
    weight = 2 * (slopes[0] + 4 * slopes[1] + slopes[2]) / 6
    if not 0 < weight < float("inf"):
        raise BadValue(
            "loss",
            expected="a KL that rises with mu",
            got=f"a change of {weight / 2:g} when mu goes from 0 to 1",
            fix="Add 0.5 * (mu**2 + logvar.exp() - 1 - logvar), summed, with a positive weight.",
        )
    return weight
