"""What the importance-weighted objectives share: weights, averages, and gradients of two kinds."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from nelbo.formulas import gradient_only
from nelbo.terms import Terms

Weights = Float[Tensor, "samples batch"]


def grouped(log_w: Weights, groups: int) -> Float[Tensor, "each groups batch"]:
    """Return the samples of each group apart."""
    return log_w.unflatten(0, (groups, -1)).transpose(0, 1)


# d L / d theta = sum_k u_k d log p(x, z_k) / d theta
# d L / d phi   = sum_k v_k (d log p(x, z_k) / d z_k - d log q / d z_k) d z_k / d phi
def steered(terms: Terms, u: Weights, v: Weights, log_q: Weights) -> Float[Tensor, " batch"]:
    """Return zeros that teach the decoder by the weights `u`, and the encoder by the weights `v`.

    One more backward pass through the decoder, no second forward pass.

    Args:
        terms: the forward pass.
        u: weights of each sample for decoder and prior.
        v: weights of each sample for the encoder.
        log_q: log q(z|x), with the gradient that the encoder is to have of it.
    """
    u, v = u.detach(), v.detach()
    log_p = terms.log_px + terms.log_pz
    if not (torch.is_grad_enabled() and terms.z.requires_grad):
        return gradient_only((u * log_p - v * log_q).sum(0))
    (turn,) = torch.autograd.grad(((v - u) * log_p).sum(), terms.z, retain_graph=True)
    turned = (turn * terms.z).sum(-1)
    return gradient_only((u * log_p - v * log_q + turned).sum(0))
